"""The files under deploy/ agree with each other and the program, as far as can be read in them."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.demo_process import ROOT
from tests.deploy import packages, units

DEPLOY = ROOT / "deploy"
DOCUMENT = (ROOT / "docs" / "deploy.md").read_text()
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
ENVIRONMENT = dict(units.assignments((DEPLOY / "env.example").read_text()))
UNITS = {name: (DEPLOY / f"auditlogs-{name}.service").read_text() for name in ("web", "worker")}
EXPORT = (DEPLOY / "auditlogs-export.service").read_text()
HOME = "/opt/auditlogs/"


def instructions(name: str) -> list[str]:
    """Return what follows each instruction of this name in the Dockerfile."""
    lines = re.sub(r"\\\n\s*", "", DOCKERFILE).splitlines()
    return [line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} ")]


def settings_read() -> set[str]:
    from hub.startup.environment import SETTINGS

    return set(SETTINGS)


def test_every_variable_is_a_setting_of_the_program() -> None:
    assert set(ENVIRONMENT) <= settings_read()
    assert "MONGODB_URI" in settings_read() - set(ENVIRONMENT)


def test_the_example_has_no_secret() -> None:
    assert ENVIRONMENT["SECRET_KEY"] == ""
    assert "auditlogs:PASSWORD@" in ENVIRONMENT["DATABASE_URL"]


@pytest.mark.parametrize("name", UNITS)
def test_the_units_name_files_that_the_document_makes(name: str) -> None:
    found = units.directives(UNITS[name])
    assert found["EnvironmentFile"] == [
        "/etc/auditlogs/common.env",
        f"/etc/auditlogs/{name}.env",
    ]
    assert found["WorkingDirectory"] == [HOME.rstrip("/")]
    assert ENVIRONMENT["AUDITLOGS_SPOOL_DIR"].startswith(f"/var/lib/{found['StateDirectory'][0]}/")


def test_the_units_are_hardened_alike() -> None:
    own = {
        *("Description", "Type", "NotifyAccess", "EnvironmentFile", "ExecStart", "ExecReload"),
        *("KillMode", "RuntimeDirectory", "RuntimeDirectoryMode"),
    }
    web, worker = (
        {key: value for key, value in units.directives(unit).items() if key not in own}
        for unit in UNITS.values()
    )
    assert web == worker


def test_the_archive_is_written_every_night_by_a_unit_as_hardened_as_the_worker() -> None:
    timer = units.directives((DEPLOY / "auditlogs-export.timer").read_text())
    assert (timer["OnCalendar"], timer["Persistent"]) == (["*-*-* 00:30:00 UTC"], ["true"])
    own = {
        *("Description", "Documentation", "Type", "EnvironmentFile", "ExecStart"),
        *("Restart", "RestartSec", "StateDirectory", "WantedBy"),
    }
    export, worker = (
        {key: value for key, value in units.directives(unit).items() if key not in own}
        for unit in (EXPORT, UNITS["worker"])
    )
    assert export == worker
    *_, folder = units.command(EXPORT)
    found = units.directives(EXPORT)
    assert folder.removeprefix("/var/lib/") in found["StateDirectory"][0].split()
    assert found["EnvironmentFile"] == units.directives(UNITS["web"])["EnvironmentFile"]


def test_nginx_and_the_unit_meet_at_one_socket() -> None:
    (bound,) = re.findall(r"--bind (unix:\S+)", UNITS["web"])
    assert f"server {bound} " in (DEPLOY / "nginx.conf").read_text()


def test_a_container_runs_the_commands_of_the_units() -> None:
    def plain(command: list[str]) -> list[str]:
        text = " ".join(command).replace(f"{HOME}.venv/bin/", "")
        return re.sub(r"--bind \S+", "--bind", text).split()

    (web,) = instructions("CMD")
    assert plain(json.loads(web)) == plain(units.command(UNITS["web"]))
    assert plain(COMPOSE["services"]["worker"]["command"]) == plain(units.command(UNITS["worker"]))


def test_the_image_copies_what_there_is_and_what_the_context_holds() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if "!" in line}
    copied = {
        source
        for line in instructions("COPY")
        if "--from" not in line
        for source in shlex.split(line)[:-1]
    }
    assert copied == kept
    for source in copied:
        assert (ROOT / source).exists(), source


def test_the_image_has_what_the_program_and_its_installation_need() -> None:
    parts = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()} - {"tests"}
    needed = {*parts, "templates", "static", "manage.py", "pyproject.toml", "README.md", "LICENSE"}
    assert needed <= {source for line in instructions("COPY") for source in shlex.split(line)}


def test_the_image_ends_as_a_user_without_rights() -> None:
    assert instructions("USER") == ["10001"]
    assert "--uid 10001" in DOCKERFILE


@pytest.mark.parametrize("name", ["web", "worker", "setup"])
def test_each_container_has_its_own_environment_and_the_common_spool(name: str) -> None:
    service = COMPOSE["services"][name]
    own = {"setup": "admin"}.get(name, name)
    assert service["env_file"] == ["/etc/auditlogs/common.env", f"/etc/auditlogs/{own}.env"]
    assert service["volumes"] == [f"spool:{ENVIRONMENT['AUDITLOGS_SPOOL_DIR']}"]
    assert instructions("VOLUME") == [ENVIRONMENT["AUDITLOGS_SPOOL_DIR"]]


def test_compose_mounts_and_waits_for_what_there_is() -> None:
    services = COMPOSE["services"]
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert (
                source in COMPOSE["volumes"]
                or source.startswith(("/etc/auditlogs", ".."))
                or ((DEPLOY / source).exists())
            )
    scripts = re.findall(r"--file (deploy/\S+)", services["mongo-init"]["command"][-1])
    assert scripts == ["deploy/replica_set.js", "deploy/mongo.js"]
    assert all((ROOT / script).exists() for script in scripts)


def test_compose_publishes_the_proxy_alone_and_fills_in_its_site() -> None:
    services = COMPOSE["services"]
    assert [name for name, each in services.items() if "ports" in each] == ["nginx"]
    site = (DEPLOY / "nginx.conf").read_text()
    command = services["nginx"]["command"][-1]
    for pattern, text in re.findall(r"s#(.+?)#(.+?)#", command):
        site, count = re.subn(pattern.replace("\\", ""), text, site)
        assert count
    assert "server web:8000" in site
    assert "ssl_certificate /etc/auditlogs/tls/auditlogs.pem" in site
    assert "ssl_certificate_key /etc/auditlogs/tls/auditlogs.key" in site
    assert "unix:" not in site
    assert "access_log /dev/stdout auditlogs" in site


@pytest.mark.deploy
def test_nginx_accepts_the_site_that_compose_makes(tmp_path: Path) -> None:
    nginx, openssl = packages.find("nginx"), packages.find("openssl")
    assert nginx
    assert openssl
    tls, site, main = tmp_path / "tls", tmp_path / "default.conf", tmp_path / "nginx.conf"
    tls.mkdir()
    new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=example")
    pair = ("-keyout", str(tls / "auditlogs.key"), "-out", str(tls / "auditlogs.pem"))
    assert run(openssl, *new, *pair)[0] == 0
    makes, _, _ = COMPOSE["services"]["nginx"]["command"][-1].partition(" && ")
    for there, here in {
        "/etc/auditlogs-site.conf": str(DEPLOY / "nginx.conf"),
        "/etc/nginx/conf.d/default.conf": str(site),
    }.items():
        makes = makes.replace(there, here)
    assert run("sh", "-c", makes) == (0, "")
    # The name of the container, and the folder that it mounts.
    text = site.read_text().replace("web:8000", "127.0.0.1:8000")
    site.write_text(text.replace("/etc/auditlogs/tls", str(tls)))
    main.write_text(f"pid {tmp_path}/pid;\nevents {{}}\nhttp {{ include {site}; }}\n")
    code, said = run(nginx, "-t", "-c", str(main), "-e", str(tmp_path / "error.log"))
    assert code == 0, said


def test_compose_names_no_secret() -> None:
    assert not re.search(r"(PASSWORD|SECRET_KEY): ?\S", (DEPLOY / "compose.yaml").read_text())


def run(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_compose_keeps_to_its_schema() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    code, said = run(*check, str(DEPLOY / "compose.yaml"))
    assert code == 0, said


def test_the_linter_of_dockerfiles_has_nothing_to_say() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    assert run(str(linter), "--no-color", str(DEPLOY / "Dockerfile")) == (0, "")


def test_every_library_that_is_deployed_is_pinned_by_its_hash() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [Requirement(line) for line in project["dependencies"]]
    asked += [Requirement(line) for name in ("postgres", "sso") for line in extras[name]]
    blocks = (DEPLOY / "requirements.txt").read_text().replace("\\\n", " ").splitlines()
    pins = dict(
        re.findall(
            r"^([a-z0-9-]+)==(\S+) +--hash=sha256:[0-9a-f]{64}", "\n".join(blocks), re.MULTILINE
        )
    )
    assert len(pins) == sum(not line.startswith("#") for line in blocks)
    for each in asked:
        assert pins[canonicalize_name(each.name)] in each.specifier, each


def test_the_shell_takes_the_script() -> None:
    assert run("sh", "-n", str(DEPLOY / "manage")) == (0, "")


def test_the_document_names_every_file() -> None:
    for path in DEPLOY.iterdir():
        assert path.name in DOCUMENT + DOCKERFILE + (DEPLOY / "compose.yaml").read_text(), path
