"""Starting the peers: each is a process of its own, on the entries of the log."""

import importlib.util
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from hub.demo.child import ROOT
from hub.demo.ports import HOST, free_port
from tests.bench.floor import Document
from tests.bench.peers import ADMIN, DATASETTE, NEWCOMER, POSTGRES
from tests.bench.site import Site
from tests.deploy.packages import find

PREPARE_SECONDS = 1_800
# What the columns of the table are in a stored document.
FIELDS = {
    "id": "_id",
    "timestamp": "timestamp",
    "actor_type": "actor.type",
    "actor_id": "actor.id",
    "actor_name": "actor.name",
    "action": "action",
    "action_type": "actionType",
    "target_type": "target.type",
    "target_id": "target.id",
    "target_name": "target.name",
    "result": "result",
    "duration": "duration",
    "correlation_id": "correlationId",
    "request_id": "requestId",
    "session_id": "sessionId",
    "source_ip": "sourceIp",
    "bot_id": "botId",
    "writer_id": "writerId",
    "asserted_by": "assertedBy",
    "payload": "payload",
}
SEARCHED = "action, actor_id, actor_name, target_type, target_id, target_name"


@dataclass(frozen=True)
class Peer:
    """A running peer, and the headers that a request to it needs."""

    site: Site
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Peers:
    """Those that could be started, by name, and why the others could not."""

    running: dict[str, Peer]
    missing: dict[str, str]


def start(stack: ExitStack, folder: Path, account: str, documents: Iterable[Document]) -> Peers:
    """Start all peers on the documents of an account; they end with the stack."""
    peers = Peers({}, {})
    table = folder / "peer.sqlite3"
    cookie = _prepare(f"sqlite:///{table}")
    _fill(table, documents)
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.bench.peers.settings",
        "PEER_DATABASE": f"sqlite:///{table}",
        "PEER_ACCOUNT": account,
    }
    admin = Site.gunicorn(folder, "admin", "tests.bench.peers.wsgi", environment)
    stack.callback(admin.stop)
    signed_in = {"Cookie": cookie}
    peers.running |= {ADMIN: Peer(admin, signed_in), NEWCOMER: Peer(admin, signed_in)}
    _start_datasette(stack, folder, table, peers)
    _start_postgres(stack, folder, table, environment, peers)
    return peers


def _prepare(database: str, rows: str = "") -> str:
    """Make the tables, and return a cookie that is signed in."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.bench.peers.settings",
        "PEER_DATABASE": database,
        "PEER_ROWS": rows,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.peers.prepare"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        timeout=PREPARE_SECONDS,
        check=True,
        text=True,
    )
    return done.stdout


def _fill(table: Path, documents: Iterable[Document]) -> None:
    """Copy the entries into the table, and index their words for Datasette's search."""
    connection = sqlite3.connect(table)
    with connection:
        places = ", ".join("?" * len(FIELDS))
        columns = ", ".join(FIELDS)
        connection.executemany(
            f"INSERT INTO entries ({columns}) VALUES ({places})", map(tuple, _rows(documents))
        )
        connection.execute(
            f"CREATE VIRTUAL TABLE entries_fts USING fts5 ({SEARCHED}, content=entries)"
        )
        connection.execute("INSERT INTO entries_fts (entries_fts) VALUES ('rebuild')")
        connection.execute("ANALYZE")
    connection.close()


def _rows(documents: Iterable[Document]) -> Iterator[list[object]]:
    for document in documents:
        row = {column: _at(document, path) for column, path in FIELDS.items()}
        row |= {"id": str(row["id"]), "timestamp": f"{row['timestamp']:%Y-%m-%d %H:%M:%S.%f}"}
        yield list(row.values())


def _at(document: Document, path: str) -> object:
    value: object = document
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _start_datasette(stack: ExitStack, folder: Path, table: Path, peers: Peers) -> None:
    program = Path(sys.executable).with_name("datasette")
    if not program.exists():
        peers.missing[DATASETTE] = "it is not installed (pip install -e '.[bench]')"
        return
    port = free_port()
    command = [str(program), "serve", str(table), "--host", HOST, "--port", str(port)]
    command += ["--setting", "max_returned_rows", "1000"]
    site = Site(folder, "datasette", command, os.environ, port)
    stack.callback(site.stop)
    peers.running[DATASETTE] = Peer(site)


def _start_postgres(
    stack: ExitStack, folder: Path, table: Path, environment: Mapping[str, str], peers: Peers
) -> None:
    initdb, control = find("initdb"), find("pg_ctl")
    if not (initdb and control):
        peers.missing[POSTGRES] = "PostgreSQL is not on this machine"
        return
    if importlib.util.find_spec("psycopg") is None:
        peers.missing[POSTGRES] = "psycopg is not installed (pip install -e '.[bench]')"
        return
    home = folder / "postgres"
    home.mkdir()
    user: list[str] = []
    if os.geteuid() == 0:
        # It does not run as root.
        try:
            shutil.chown(home, "postgres", "postgres")
        except LookupError:
            peers.missing[POSTGRES] = "there is no user postgres to run it"
            return
        folder.chmod(0o711)
        user = ["runuser", "-u", "postgres", "--"]
    port = free_port()
    data, options = str(home / "data"), f"-k {home} -p {port} -c listen_addresses={HOST}"
    run = [*user, control, "-D", data, "-w"]
    for command in (
        [*user, initdb, "-D", data, "--auth=trust", "--encoding=UTF8", "--username=postgres"],
        [*run, "-l", str(home / "log"), "-o", options, "start"],
    ):
        subprocess.run(command, cwd=home, stdout=subprocess.DEVNULL, timeout=60, check=True)
    stop = [*run, "-m", "immediate", "stop"]
    stack.callback(subprocess.run, stop, cwd=home, stdout=subprocess.DEVNULL, timeout=60)
    database = f"postgres://postgres@{HOST}:{port}/postgres"
    cookie = _prepare(database, f"sqlite:///{table}")
    admin = Site.gunicorn(
        folder,
        "admin-postgres",
        "tests.bench.peers.wsgi",
        {**environment, "PEER_DATABASE": database},
    )
    stack.callback(admin.stop)
    peers.running[POSTGRES] = Peer(admin, {"Cookie": cookie})
