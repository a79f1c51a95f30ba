"""A host in a folder, on which docs/deploy.md is followed block by block."""

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import pymongo

from hub.demo import database
from hub.demo.database import Database
from hub.demo.ports import accepts, free_port
from tests.demo_process import ROOT
from tests.deploy import packages, units

DOCUMENT = ROOT / "docs" / "deploy.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BY_HAND = "# by hand"
# A user that every Debian has; Debian's nginx runs as the same.
USER = "www-data"
NAME = "audit.example.com"
PASSWORD = "correct horse battery staple"
START_SECONDS = 30.0
STOP_SECONDS = 45.0

NGINX = """
pid {root}/run/nginx.pid;
error_log {root}/var/log/nginx/error.log;
events {{}}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path {root}/run/nginx-body;
    proxy_temp_path {root}/run/nginx-proxy;
    fastcgi_temp_path {root}/run/nginx-fastcgi;
    uwsgi_temp_path {root}/run/nginx-uwsgi;
    scgi_temp_path {root}/run/nginx-scgi;
    include {root}/etc/nginx/sites-enabled/*;
}}
"""


def sections() -> dict[str, list[str]]:
    """Return the blocks of each section of the document, by its heading."""
    parts = re.split(r"^## ", DOCUMENT.read_text(), flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0]: BLOCK.findall(part) for part in parts}


class Host:
    """The host. Its databases run from the start, the programs as the document starts them."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.root = Path(tempfile.mkdtemp(prefix="auditlogs-deploy-"))
        self._stack.callback(shutil.rmtree, self.root, ignore_errors=True)
        self.http, self.https, self._postgres_port = free_port(), free_port(), free_port()
        self._mongo_password = secrets.token_hex(8)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.said: dict[str, str] = {}
        try:
            self._make_folders()
            self._start_postgres()
            self.mongodb = self._start_mongodb()
            self._copy_project()
            self._make_certificate()
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # What they keep goes with them, so they need not put it in order.
        for process in self._processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._stack.close()

    # What the document says, here

    def here(self, text: str) -> str:
        """Return a text of the document or of deploy/ with this machine's folders, ports and users
        in the place of those it names. Nothing else differs, but for how long nginx waits."""
        root = self.root
        folders = (
            *("/opt/auditlogs", "/etc/auditlogs", "/etc/nginx/sites", "/etc/systemd", "/etc/ssl/"),
            *("/var/lib/auditlogs", "/var/backups", "/var/log/nginx", "/run/auditlogs"),
        )
        for folder in folders:
            text = text.replace(folder, f"{root}{folder}")
        for there, here in {
            "127.0.0.1:27017": f"127.0.0.1:{self.mongodb.port}",
            "replicaSet=rs0": "directConnection=true",
            "--username root": f"--username root --password {self._mongo_password}",
            "127.0.0.1:5432": f"127.0.0.1:{self._postgres_port}",
            "-u auditlogs": f"-u {USER}",
            "-o auditlogs -g auditlogs": f"-o {USER} -g {USER}",
            "User=auditlogs": f"User={USER}",
            "Group=auditlogs": f"Group={USER}",
            "listen [::]:80": f"listen [::1]:{self.http}",
            "listen [::]:443": f"listen [::1]:{self.https}",
            "listen 80": f"listen 127.0.0.1:{self.http}",
            "listen 443": f"listen 127.0.0.1:{self.https}",
            "proxy_read_timeout 60s": "proxy_read_timeout 8s",
            "nginx -t": f"runuser -u {USER} -- nginx -c {root}/etc/nginx/nginx.conf -t",
        }.items():
            text = text.replace(there, here)
        return text

    def follow(self, heading: str) -> None:
        """Run the blocks of a section of the document that are not by hand."""
        ran = [self.run(block) for block in sections()[heading] if not block.startswith(BY_HAND)]
        self.said[heading] = "".join(ran)

    def run(self, block: str) -> str:
        """Run a block as root would; return what it has said. Raises AssertionError if it fails."""
        done = subprocess.run(
            ["sh", "-e", "-c", self.here(block)],
            env=self._surroundings(),
            cwd=self.root,
            input=f"{PASSWORD}\n",
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def manage(self, program: str, command: str) -> str:
        """Run a command of manage.py as the document does."""
        return self.run(f"/opt/auditlogs/deploy/manage {program} {command}")

    def path(self, there: str) -> Path:
        """Return where a path of the document is in the host's folder."""
        return Path(self.here(there))

    # What runs

    def start(self, program: str) -> None:
        """Start `web` or `worker` as its unit does, and wait until it says that it is ready."""
        unit = self.path(f"/etc/systemd/system/auditlogs-{program}.service").read_text()
        found = units.directives(unit)
        files = map(Path, found["EnvironmentFile"])
        surroundings = {"PATH": "/usr/bin:/bin", **units.environment(*files)}
        for folder in found.get("RuntimeDirectory", []):
            path = self.path(f"/run/{folder}")
            path.mkdir(mode=int(found["RuntimeDirectoryMode"][0], 8), exist_ok=True)
            shutil.chown(path, USER, USER)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notes:
            if found["Type"] == ["notify"]:
                surroundings["NOTIFY_SOCKET"] = f"\0{secrets.token_hex(16)}"
                notes.bind(surroundings["NOTIFY_SOCKET"])
                surroundings["NOTIFY_SOCKET"] = surroundings["NOTIFY_SOCKET"].replace("\0", "@")
            self._launch(
                program,
                units.command(unit),
                Path(found["WorkingDirectory"][0]),
                surroundings,
                int(found["UMask"][0], 8),
            )
            if found["Type"] == ["notify"]:
                notes.settimeout(START_SECONDS)
                while b"READY=1" not in notes.recv(4096):
                    pass

    def start_nginx(self) -> None:
        """Start nginx, as a user without rights."""
        main = f"{self.root}/etc/nginx/nginx.conf"
        nginx = packages.find("nginx") or ""
        self._launch("nginx", [nginx, "-c", main, "-g", "daemon off;"], self.root, {}, 0o022)
        wait_until(lambda: accepts(self.https), "nginx takes connections")

    def stop(self, name: str) -> None:
        """Stop a process, and wait for it. Raises TimeoutExpired."""
        self._processes[name].terminate()
        self._processes[name].wait(STOP_SECONDS)
        del self._processes[name]

    def restart(self, program: str) -> None:
        self.stop(program)
        self.start(program)

    def children(self, name: str) -> list[int]:
        """Return the processes of a program: itself, then those that it has started."""
        pid = self._processes[name].pid
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [pid, *map(int, text.split())]

    def output(self, name: str) -> str:
        """Return what a process has written on standard output and error."""
        return (self.root / "var" / "log" / f"{name}.log").read_text()

    def _launch(
        self,
        name: str,
        command: list[str],
        folder: Path,
        surroundings: dict[str, str],
        umask: int,
    ) -> None:
        with (self.root / "var" / "log" / f"{name}.log").open("ab") as output:
            self._processes[name] = subprocess.Popen(
                command,
                cwd=folder,
                env=surroundings,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                user=USER,
                group=USER,
                extra_groups=[],
                umask=umask,
            )

    # How the machine is made

    def _surroundings(self) -> dict[str, str]:
        folders = dict.fromkeys(
            str(Path(place).parent)
            for place in map(
                packages.find, ("psql", "initdb", "mongosh", "node", "nginx", "openssl")
            )
            if place
        )
        return {
            "PATH": os.pathsep.join([*folders, "/usr/sbin", "/usr/bin", "/sbin", "/bin"]),
            "HOME": str(self.root / "home"),
            "PGHOST": str(self.root / "postgres"),
            "PGPORT": str(self._postgres_port),
            **{name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "SSL_"))},
        }

    def _make_folders(self) -> None:
        self.root.chmod(0o755)
        for name in (
            *("home", "opt", "etc/nginx/sites-available", "etc/nginx/sites-enabled"),
            *("etc/systemd/system", "etc/ssl/certs", "etc/ssl/private"),
            *("var/lib", "var/backups", "var/log/nginx", "run"),
        ):
            (self.root / name).mkdir(parents=True)
        for name in ("var/log/nginx", "run", "etc/ssl/private"):
            shutil.chown(self.root / name, USER)
        (self.root / "etc/nginx/nginx.conf").write_text(NGINX.format(root=self.root))

    def _copy_project(self) -> None:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        target = self.path("/opt/auditlogs")
        for name in filter(None, listed.stdout.split("\0")):
            if name.startswith("tests/") or not (ROOT / name).exists():
                continue
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
            if name.startswith("deploy/"):
                (target / name).write_text(self.here((ROOT / name).read_text()))

    def _start_postgres(self) -> None:
        folder = self.root / "postgres"
        folder.mkdir()
        shutil.chown(folder, "postgres", "postgres")
        data = folder / "data"
        as_postgres = ["runuser", "-u", "postgres", "--"]
        # Passwords are asked for where Debian asks for them: on TCP, but not of the user postgres.
        secure = ["--auth-local=peer", "--auth-host=scram-sha-256", "--encoding=UTF8"]
        self._quietly(*as_postgres, packages.find("initdb") or "", "-D", str(data), *secure)
        options = f"-k {folder} -p {self._postgres_port} -c listen_addresses=127.0.0.1"
        control = [*as_postgres, packages.find("pg_ctl") or "", "-D", str(data), "-w"]
        self._quietly(*control, "-l", str(folder / "log"), "-o", options, "start")
        self._stack.callback(self._quietly, *control, "-m", "immediate", "stop")

    def _quietly(self, *command: str) -> None:
        subprocess.run(
            command,
            cwd=self.root,
            env=self._surroundings(),
            stdout=subprocess.DEVNULL,
            timeout=60,
            check=True,
        )

    def _start_mongodb(self) -> Database:
        folder = self.root / "mongodb"
        first = database.start(folder)
        try:
            with pymongo.MongoClient[dict[str, object]](first.uri) as client:
                client.admin.command("createUser", "root", pwd=self._mongo_password, roles=["root"])
        finally:
            first.stop()
        (folder / "database.toml").write_text("[server]\nauth = true\n")
        server = database.start(folder)
        self._stack.callback(self._stop_mongodb)
        return server

    def _stop_mongodb(self) -> None:
        # Not the one that runs now, but the one that will then.
        self.mongodb.stop()

    def restart_mongodb(self) -> None:
        """Start the log's database again, at the same port and with the same data."""
        self.mongodb = database.start(self.root / "mongodb", port=self.mongodb.port)

    def _make_certificate(self) -> None:
        certificate = self.path("/etc/ssl/certs/auditlogs.pem")
        key = self.path("/etc/ssl/private/auditlogs.key")
        subprocess.run(
            [
                *(
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:P-256",
                ),
                *("-nodes", "-days", "2", "-subj", f"/CN={NAME}"),
                *("-addext", f"subjectAltName=DNS:{NAME}", "-keyout", str(key)),
                *("-out", str(certificate)),
            ],
            capture_output=True,
            check=True,
        )
        shutil.chown(key, USER)


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Wait until a condition is true. Raises TimeoutError."""
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)
