"""The documents are true: the parameters, fields, settings, packages, files, commands and headings
that they name exist, and none of their kind is left out."""

import json
import re
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from tests.demo_process import ROOT

DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text()
API = (DOCS / "api.md").read_text()
ARCHITECTURE = (DOCS / "architecture.md").read_text()
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md"))]
FOLDERS = "auditlogs|hub|static|templates|tests|deploy|docs"
CODE_BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)

every_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def first_cells(text: str, header: str) -> list[str]:
    """Return the first cell of each row of the table with this header."""
    table = text.partition(f"{header}\n")[2].partition("\n\n")[0]
    return [line.split("|")[1].strip() for line in table.splitlines()[1:]]


def named(cells: list[str]) -> list[str]:
    """Return what stands in backticks in these cells."""
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", CODE_BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_readme_has_about_nine_hundred_words() -> None:
    assert len(README.split()) <= 930


def test_the_map_of_the_readme_shows_what_is_there() -> None:
    tree = README.partition("## Where things are\n\n```\n")[2].partition("```")[0]
    assert tree
    assert [line for line in tree.splitlines() if not (ROOT / line.split()[0]).exists()] == []


def test_the_index_lists_every_page() -> None:
    listed = set(re.findall(r"\]\((\w[\w-]*\.md)\)", (DOCS / "README.md").read_text()))
    assert listed == {path.name for path in DOCS.glob("*.md")} - {"README.md"}


def test_the_api_page_has_every_parameter_and_no_other() -> None:
    from auditlogs.query.filters import FILTER_NAMES, PagingForm

    cells = first_cells(API, "| parameter | meaning |")
    assert set(named(cells)) == {*FILTER_NAMES, *PagingForm.base_fields}


def test_the_api_page_has_every_field_of_an_entry_in_order() -> None:
    from auditlogs.entry.schema import Entry

    fields = list(Entry.__struct_encode_fields__)
    assert list(json.loads(API.partition("```json")[2].partition("```")[0])) == fields
    assert named(first_cells(API, "| field | meaning |")) == fields


def test_the_api_page_has_every_status_of_an_error_and_no_other() -> None:
    from auditlogs.explain.codes import PROBLEMS

    errors = API.partition("## Errors")[2]
    cells = first_cells(errors, "| status | meaning |")
    statuses = {int(status) for cell in cells for status in cell.split(", ")}
    assert statuses == {problem.status for problem in PROBLEMS.values()}


def test_the_self_audit_names_actions_and_codes_that_are_known() -> None:
    from auditlogs.entry.actions import KNOWN_ACTIONS
    from auditlogs.explain.codes import LogCode
    from hub.access.codes import HubCode

    text = (DOCS / "self-audit.md").read_text()
    actions = named(first_cells(text, "| entry | when | account |"))
    assert set(actions) <= KNOWN_ACTIONS.keys()
    codes = set(named(first_cells(text, "| code | when |")))
    assert set(get_args(LogCode)) <= codes <= {*get_args(LogCode), *get_args(HubCode)}


@pytest.mark.parametrize("package", ["auditlogs", "hub"])
def test_the_architecture_names_every_package_and_no_other(package: str) -> None:
    there = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / package).iterdir()
        if path.suffix == ".py" or any(path.glob("*.py"))
    }
    cells = first_cells(ARCHITECTURE, f"| `{package}/` | |")
    assert set(named(cells)) == there - {"__init__.py", "apps.py"}


@every_document
def test_every_make_target_exists(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    named_targets = re.findall(r"(?:^|`)make ([a-z][a-z-]*)", document.read_text(), re.MULTILINE)
    for target in set(named_targets):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@every_document
def test_every_link_leads_to_a_file_and_to_a_heading_of_it(document: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", CODE_BLOCK.sub("", document.read_text())):
        path, _, anchor = target.partition("#")
        file = document.parent / path if path else document
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text()), target


@every_document
def test_every_path_of_the_tree_exists(document: Path) -> None:
    # `hub.logs.views.logs` and `auditlogs/query/` alike; what follows a file is a name in it.
    text = document.read_text()
    for path in set(re.findall(rf"(?<![\w/.-])(?:{FOLDERS})/[\w./-]*\w", text)):
        assert (ROOT / path).exists(), path
    for name in set(
        re.findall(r"(?<![\w/.-])(?:auditlogs|hub)(?!\.(?:sqlite3|key|pem)\b)(?:\.\w+)+", text)
    ):
        place, rest = ROOT, name.split(".")
        while rest and (place / rest[0]).is_dir():
            place /= rest.pop(0)
        if rest and (module := place / f"{rest[0]}.py").is_file():
            place, rest = module, rest[1:]
        source = (place if place.is_file() else place / "__init__.py").read_text()
        assert all(re.search(rf"\b{part}\b", source) for part in rest), name


def test_the_project_speaks_of_itself_alone() -> None:
    done = subprocess.run(
        ["git", "grep", "-nIE", r"/home/|/root/|/tmp/[a-z]|/usr/local/[a-z]+/", "--", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
