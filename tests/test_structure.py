"""The house: who may import what, who may touch the log, and that nobody can change it."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.server import SECRET_KEY

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("auditlogs", "hub")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
# What the log may stand on, beside Python itself.
ALLOWED = {
    *("auditlogs", "bson", "cryptography", "django", "django_filters", "limits", "mnemonic"),
    *("msgspec", "pymongo", "re2", "structlog"),
}
# What else these may stand on, each an extra of its own.
ALSO_ALLOWED = {
    "auditlogs/client/delivery.py": {"urllib3"},
    "auditlogs/mcp.py": {"anyio", "mcp", "opentelemetry", "pydantic"},
}
# The rooms on the database's side of the house.
AT_THE_DATABASE = {f"auditlogs/storage/{name}.py" for name in ("mongo", "indexes", "dictionary")}
# Every way to change or remove a document that the driver has.
CHANGES = {
    *("update_one", "update_many", "replace_one", "delete_one", "delete_many", "bulk_write"),
    *("find_one_and_update", "find_one_and_replace", "find_one_and_delete"),
    *("drop", "drop_collection", "drop_database", "rename", "insert_one"),
    *("UpdateOne", "UpdateMany", "ReplaceOne", "DeleteOne", "DeleteMany"),
}
# The one place that replaces anything, how, and where.
THE_REPLACER = ("auditlogs/storage/mongo.py", "replace_counters", "replace_one")
CHANGING_WORDS = {"$set", "$unset", "$out", "$merge", "$inc", "findAndModify", "delete", "update"}
PATTERNS = {"$regex", "$where", "$or", "$text", "$function", "$expr", "$accumulator", "$options"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# Every test asks of every file, so each is parsed once.
@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text())))


def imports(path: Path) -> set[str]:
    """Return the modules and names that a file imports, dotted."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def names(path: Path) -> set[str]:
    """Return every name and attribute that a file speaks of."""
    found = {node.id for node in nodes(path) if isinstance(node, ast.Name)}
    found |= {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}
    return found | {name.rpartition(".")[2] for name in imports(path)}


def strings(path: Path) -> set[str]:
    return {
        node.value
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def users_of(name: str) -> set[str]:
    return {name_of(path) for path in SOURCES if name in names(path)}


def test_there_is_something_to_look_at() -> None:
    assert len(SOURCES) > 30
    assert {"auditlogs/storage/mongo.py", "hub/settings.py"} <= {name_of(path) for path in SOURCES}


def test_the_log_knows_nothing_of_the_hub_and_stands_on_few_libraries() -> None:
    for path in (ROOT / "auditlogs").rglob("*.py"):
        roots = {name.partition(".")[0] for name in imports(path)}
        allowed = ALLOWED | ALSO_ALLOWED.get(name_of(path), set())
        assert roots <= allowed | sys.stdlib_module_names, name_of(path)


def test_only_the_storage_makes_a_client() -> None:
    assert users_of("MongoClient") == {"auditlogs/storage/mongo.py"}


def test_only_the_rooms_at_the_database_know_its_driver() -> None:
    users = {
        name_of(path)
        for path in SOURCES
        if {name.partition(".")[0] for name in imports(path)} & {"pymongo", "bson", "gridfs"}
    }
    assert users == AT_THE_DATABASE


def test_only_three_rooms_touch_the_collection_of_entries() -> None:
    def calls_it(path: Path) -> bool:
        return any(
            isinstance(node, ast.Attribute)
            and node.attr in {"entries", "ENTRIES"}
            and isinstance(node.value, ast.Name)
            and node.value.id == "mongo"
            for node in nodes(path)
        )

    assert {name_of(path) for path in SOURCES if calls_it(path)} == {
        "auditlogs/query/slices.py",
        "auditlogs/write/store.py",
        "auditlogs/storage/indexes.py",
    }
    imported = {
        name_of(path) for path in SOURCES if "auditlogs.storage.mongo.entries" in imports(path)
    }
    assert imported == set()
    assert {name_of(path) for path in SOURCES if "audit_logs" in strings(path)} == {
        "auditlogs/storage/mongo.py"
    }


def functions_that_speak_of(path: Path, room: str, name: str) -> list[str]:
    """Return the functions of a file that use `room.name`, once for each time."""
    return [
        function.name
        for function in nodes(path)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.value, ast.Name)
        and node.value.id == room
    ]


def test_the_log_is_read_in_one_place_which_begins_with_what_its_reader_may_see() -> None:
    reading, writing = (ROOT / "auditlogs" / n for n in ("query/slices.py", "write/store.py"))
    assert set(functions_that_speak_of(reading, "mongo", "entries")) == {"run", "arrivals"}
    # The write path inserts, and looks up the entries that it has just tried to insert.
    assert functions_that_speak_of(writing, "mongo", "entries") == ["store", "store"]
    (run,) = (n for n in nodes(reading) if isinstance(n, ast.FunctionDef) and n.name == "run")
    asked = [
        ast.unparse(node.args[0])
        for node in ast.walk(run)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "aggregate"
    ]
    assert asked == ["[*selection.stages(low, high), *stages]"]


def test_only_the_query_layer_says_what_a_reader_may_see() -> None:
    makers = {
        name_of(path)
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Selection"
    }
    assert makers == {"auditlogs/query/entries.py"}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_can_change_or_remove_an_entry(path: Path) -> None:
    # Of the ORM's methods `update` and `delete` are not meant; these names are the driver's alone.
    module, _, how = THE_REPLACER
    assert names(path) & CHANGES == ({how} if name_of(path) == module else set())
    if name_of(path) in AT_THE_DATABASE | {
        "auditlogs/query/slices.py",
        "auditlogs/query/entries.py",
    }:
        assert not strings(path) & CHANGING_WORDS


def function(path: Path, name: str) -> ast.FunctionDef:
    (found,) = (n for n in nodes(path) if isinstance(n, ast.FunctionDef) and n.name == name)
    return found


def calls_of(within: ast.AST, method: str) -> list[ast.Call]:
    """Return the calls of a method of this name, whatever it is a method of."""
    calls = (node for node in ast.walk(within) if isinstance(node, ast.Call))
    return [c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == method]


def test_one_function_alone_replaces_documents_and_those_of_the_counters_alone() -> None:
    module, replacer, how = THE_REPLACER
    storage = ROOT / module
    (call,) = calls_of(function(storage, replacer), how)
    assert len(calls_of(ast.parse(storage.read_text()), how)) == 1
    # Whatever it is called with, it is the collection of counters that it changes.
    assert ast.unparse(call.func) == f"counters().{how}"
    assert [a.arg for a in function(storage, replacer).args.args] == ["document", "only_if"]
    assert "get_collection(COUNTERS," in ast.unparse(function(storage, "counters"))
    assert users_of(replacer) == {"auditlogs/counters/tallies.py", "auditlogs/counters/leader.py"}


def test_only_the_worker_asks_across_accounts_and_learns_nothing_of_what_entries_say() -> None:
    assert users_of("arrivals") == {"auditlogs/counters/counting.py"}
    question = function(ROOT / "auditlogs" / "query" / "slices.py", "arrivals")
    assert [ast.unparse(find.args[1]) for find in calls_of(question, "find")] == ["known"] * 2
    assert "known = {'recordedAt': 1, 'account': 1}" in ast.unparse(question)


def test_the_counters_are_read_where_they_are_kept() -> None:
    users = {
        f"auditlogs/{name}.py" for name in ("storage/counts", "storage/indexes", "counters/leader")
    }
    assert {name_of(p) for p in SOURCES if calls_of(ast.parse(p.read_text()), "counters")} == users
    literal = {name_of(path) for path in SOURCES if "audit_counters" in strings(path)}
    assert literal == {"auditlogs/storage/mongo.py"}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_question_to_the_database_is_a_pattern_or_a_program(path: Path) -> None:
    assert not strings(path) & PATTERNS


def test_only_the_write_path_inserts_entries_and_only_notes_and_keys_beside_them() -> None:
    assert users_of("insert_many") == {"auditlogs/storage/mongo.py"}
    inserting = {
        f"auditlogs/{name}.py"
        for name in ("storage/dictionary", "write/idempotency", "write/store")
    }
    assert users_of("insert_missing") == inserting


def test_the_embedded_database_is_never_imported() -> None:
    roots = {name.partition(".")[0] for path in SOURCES for name in imports(path)}
    assert not roots & {"secantus", "secantusdb"}


def test_the_settings_load_from_a_secret_key_alone(tmp_path: Path) -> None:
    script = "import django; django.setup(); from django.urls import get_resolver as r; r().check()"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT,
        env={
            "DJANGO_SETTINGS_MODULE": "hub.settings",
            "SECRET_KEY": SECRET_KEY,
            "HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_migration_is_written(db: None) -> None:
    from django.core.management import call_command

    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
