"""The documents say what is true: parameters, settings, files and commands are those there are."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.demo_process import ROOT

README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_readme_names_every_parameter_of_the_api_and_no_other() -> None:
    from auditlogs.query.filters import FILTER_NAMES, PagingForm

    table = README.partition("| parameter | meaning |")[2].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert named == {*FILTER_NAMES, *PagingForm.base_fields}


def test_the_readme_names_every_setting_and_no_other() -> None:
    settings = (ROOT / "hub" / "settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', settings))
    table = README.partition("| variable | default | meaning |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == read


def test_the_readme_shows_an_entry_with_the_fields_it_has() -> None:
    from auditlogs.entry.schema import Entry

    example = json.loads(README.partition("```json")[2].partition("```")[0])
    assert list(example) == list(Entry.__struct_encode_fields__)


def test_the_architecture_names_every_module_and_no_other() -> None:
    named = set(re.findall(r"`(\w+\.py)`", ARCHITECTURE))
    files = {
        path.name
        for package in ("auditlogs", "hub")
        for path in (ROOT / package).rglob("*.py")
        if not {"demo", "management", "migrations", "redaction", "client", "sso", "templatetags"}
        & set(path.parts)
        if path.name not in ("__init__.py", "apps.py", "urls.py", "settings.py", "wsgi.py")
    }
    assert files - named == set()
    folders = ("auditlogs", "hub", "tests")
    there = {path.name for folder in folders for path in (ROOT / folder).rglob("*.py")}
    assert named - there == set()


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"make (\w+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_to_one(document: Path) -> None:
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text()):
        assert (document.parent / link).exists(), link


def test_the_project_speaks_of_itself_alone() -> None:
    done = subprocess.run(
        ["git", "grep", "-nIE", r"/home/|/root/|/tmp/[a-z]|/usr/local/[a-z]+/", "--", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
