"""The Hub behind nginx and on PostgreSQL, as docs/deploy.md sets it up."""

import gzip
import json
import os
import re
import secrets
import signal
import stat
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.deploy import packages, units
from tests.deploy.host import BY_HAND, NAME, PASSWORD, Host, sections, wait_until
from tests.deploy.visitor import ADDRESS, Response, Visitor, static_files
from tests.factories import AGENT

pytestmark = pytest.mark.deploy


def order(**more: Any) -> dict[str, Any]:
    return {"action": "order.created", "actor": AGENT, "result": "success", **more}


def problem(response: Response) -> dict[str, Any]:
    """Return a problem document; its status is that of the response."""
    assert response.headers["Content-Type"] == "application/problem+json", response.data
    found: dict[str, Any] = json.loads(response.data)
    assert found["status"] == response.status
    return found


def test_the_document_has_these_commands_and_leaves_these_to_people() -> None:
    found = {
        heading: "".join("h" if block.startswith(BY_HAND) else "r" for block in blocks)
        for heading, blocks in sections().items()
        if blocks
    }
    assert found == {
        "Install": "hr",
        "Environment": "r",
        "PostgreSQL": "r",
        "MongoDB": "r",
        "Tables, indexes, the first person": "r",
        "systemd": "rh",
        "nginx": "rh",
        "Containers": "h",
        "Backups": "rrh",
        "Upgrades": "rh",
    }


# What was set up


def test_the_accounts_are_in_postgresql(host: Host) -> None:
    query = "echo 'SELECT name FROM auditlogs_account' | runuser -u postgres -- psql -qAt auditlogs"
    assert host.run(query).split() == ["acme"]


def test_django_finds_nothing_to_say_against_it(host: Host) -> None:
    assert "System check identified no issues" in host.said["Tables, indexes, the first person"]


def test_nothing_of_the_environment_is_for_others(host: Host) -> None:
    for path in host.path("/etc/auditlogs").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_the_web_process_may_not_do_what_the_administrator_may(host: Host) -> None:
    with pytest.raises(AssertionError, match="does not allow that to this user"):
        host.manage("web", "ensure_indexes")


def test_systemd_understands_the_units(host: Host) -> None:
    paths = sorted(map(str, host.path("/etc/systemd/system").iterdir()))
    assert len(paths) == 4
    verify = [packages.find("systemd-analyze") or "", "verify", *paths]
    done = subprocess.run(verify, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("program", ["web", "worker", "export"])
def test_systemd_finds_the_units_little_exposed(host: Host, program: str) -> None:
    path = host.path(f"/etc/systemd/system/auditlogs-{program}.service")
    rate = [packages.find("systemd-analyze") or "", "security", "--offline=true", str(path)]
    done = subprocess.run(rate, capture_output=True, text=True, check=True)
    found = re.search(r"exposure level for .*: ([\d.]+)", done.stdout)
    assert found
    assert float(found[1]) < 2


def test_only_the_group_reaches_the_socket(host: Host) -> None:
    socket = host.path("/run/auditlogs/web.sock")
    assert stat.S_IMODE(socket.stat().st_mode) == 0o770
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o750


# What a visitor sees


def curl(host: Host, *arguments: str) -> str:
    """Return what curl says of the Hub, whose name it resolves to the host's nginx."""
    certificate = host.path("/etc/ssl/certs/auditlogs.pem")
    reach = ["--resolve", f"{NAME}:{host.https}:127.0.0.1", "--cacert", str(certificate)]
    done = subprocess.run(
        ["curl", "-s", *reach, "-H", f"Host: {NAME}", *arguments],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_plain_http_is_led_to_https_at_the_public_name(host: Host, method: str) -> None:
    said = curl(host, "-i", "-X", method, f"http://127.0.0.1:{host.http}/hub/logs?actor=a%20b")
    assert said.startswith("HTTP/1.1 308")
    assert f"Location: https://{NAME}/hub/logs?actor=a%20b\n" in said


def test_another_name_is_not_served(visitor: Visitor) -> None:
    assert visitor.ask("/hub/sign-in", headers={"Host": "evil.example"}).status == 400


def test_it_speaks_http_2_and_no_old_tls(host: Host) -> None:
    url = f"https://{NAME}:{host.https}/hub/sign-in"
    assert curl(host, "-o", "/dev/null", "-w", "%{http_version} %{response_code}", url) == "2 200"
    with pytest.raises(subprocess.CalledProcessError):
        curl(host, "--tls-max", "1.1", url)


def test_signing_in_sets_cookies_for_https_alone(visitor: Visitor) -> None:
    response = visitor.sign_in(PASSWORD)
    assert (response.status, response.headers["Location"]) == (302, "/hub")
    cookies = response.headers.getlist("Set-Cookie")
    assert cookies
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert {"Secure", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
    assert visitor.ask("/hub/logs").status == 200


def test_pages_carry_the_headers_that_protect_them_once(visitor: Visitor) -> None:
    headers = visitor.ask("/hub/sign-in").headers
    assert headers["Server"] == "nginx"
    for name in (
        *("Strict-Transport-Security", "Content-Security-Policy", "X-Content-Type-Options"),
        *("X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy"),
    ):
        assert len(headers.getlist(name)) == 1, name


def test_a_form_of_another_site_is_refused(visitor: Visitor) -> None:
    visitor.ask("/hub/sign-in")
    headers = {
        "Origin": "https://evil.example",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    assert visitor.ask("/hub/sign-in", "POST", b"username=ada", headers).status == 403


def test_entries_name_the_address_of_the_client_and_believe_no_forged_one(
    visitor: Visitor, reader: Visitor
) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    name = f"req-{secrets.token_hex(8)}"
    page = visitor.ask("/hub/sign-in").data.decode()
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]
    body = f"csrfmiddlewaretoken={token}&username=ada&password=wrong".encode()
    origin = {
        "Origin": f"https://{NAME}",
        "Referer": f"https://{NAME}/hub/sign-in",
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Request-ID": name,
    }
    visitor.ask("/hub/sign-in", "POST", body, {**origin, **forged})
    (entry,) = reader.read(f"?requestId={name}")
    assert (entry["action"], entry["sourceIp"]) == ("auth.sign_in_failed", ADDRESS)


def test_static_files_are_named_by_their_content_and_kept_for_good(visitor: Visitor) -> None:
    addresses = static_files(visitor.ask("/hub/sign-in"))
    assert addresses
    for address in addresses:
        response = visitor.ask(address, headers={"Accept-Encoding": "br"})
        assert response.status == 200
        assert re.search(r"\.[0-9a-f]{12}\.", address), address
        assert "immutable" in response.headers["Cache-Control"]


def test_anybody_learns_whether_it_is_ready(visitor: Visitor) -> None:
    assert visitor.ask("/readyz").status == 200


# Entries


def test_five_mebibytes_are_taken_plain_and_packed(writer: Visitor, host: Host) -> None:
    entries = [order(payload={"text": secrets.token_hex(2_545)}) for _ in range(1_000)]
    body = json.dumps(entries).encode()
    assert 5_200_000 < len(body) <= 5 * 1024 * 1024
    # A database that is slow to take so much has it a little later, from the spool.
    assert writer.write(body).status in {201, 202}
    packed = gzip.compress(body, 1)
    assert writer.write(packed, **{"Content-Encoding": "gzip"}).status in {201, 202}
    # nginx has kept none of it on a disk.
    assert "temporary file" not in host.path("/var/log/nginx/error.log").read_text()


@pytest.mark.parametrize("size", [5 * 1024 * 1024 + 1, 6 * 1024 * 1024 + 1])
def test_a_larger_body_is_a_problem_whoever_refuses_it(writer: Visitor, size: int) -> None:
    response = writer.write(b" " * size)
    found = problem(response)
    assert (response.status, found["type"]) == (413, "urn:auditlogs:problem:body-too-large")
    assert found["detail"] == "A body may have at most 5,242,880 bytes, decompressed."


def test_lists_go_on_at_https_urls_of_the_public_name(writer: Visitor, reader: Visitor) -> None:
    name = f"req-{secrets.token_hex(8)}"
    assert writer.write([order(requestId=name) for _ in range(5)]).status in {201, 202}
    wait_until(lambda: len(reader.read(f"?requestId={name}")) == 5, "they are in the log")
    link = reader.ask(f"/api/audit-logs?requestId={name}&limit=2").headers["Link"]
    assert link.startswith(f"<https://{NAME}/api/audit-logs?")
    ids = [entry["id"] for entry in reader.read_on(f"?requestId={name}&limit=2")]
    assert len(set(ids)) == len(ids) == 5


def test_a_restart_loses_no_entry_that_was_acknowledged(
    host: Host, writer: Visitor, reader: Visitor, write_key: str
) -> None:
    name, stop = f"req-{secrets.token_hex(8)}", threading.Event()
    taken: list[str] = []
    refused: list[Response] = []

    def write() -> None:
        with Visitor(host, write_key) as visitor:
            while not stop.is_set():
                response = visitor.write(order(requestId=name))
                if response.status in {201, 202}:
                    taken.append(json.loads(response.data)[0]["id"])
                else:
                    refused.append(response)
                    time.sleep(0.05)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            before = len(taken)
            wait_until(lambda: len(taken) > before + 20, "entries are taken")  # noqa: B023
            host.restart("web")
        before = len(taken)
        wait_until(lambda: len(taken) > before + 20, "entries are taken again")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert {response.status for response in refused} <= {502}
    for response in refused:
        assert problem(response)["type"] == "urn:auditlogs:problem:hub-away"
        assert response.headers["Retry-After"] == "5"

    def there() -> set[str]:
        return {entry["id"] for entry in reader.read_on(f"?requestId={name}&limit=1000")}

    wait_until(lambda: set(taken) <= there(), "all that was taken is in the log")


def test_what_was_taken_while_the_database_was_away_gets_into_the_log(
    host: Host, writer: Visitor, reader: Visitor
) -> None:
    name = f"req-{secrets.token_hex(8)}"
    host.mongodb.stop()
    try:
        statuses = [writer.write(order(requestId=name)).status for _ in range(5)]
        host.restart("web")
        statuses += [writer.write(order(requestId=name)).status]
    finally:
        host.restart_mongodb()
    assert statuses == [202] * 6
    wait_until(lambda: len(reader.read(f"?requestId={name}")) == 6, "the worker has stored them")


# What nginx answers in the Hub's place


def test_while_the_hub_is_away_programs_get_a_problem_and_people_a_page(
    host: Host, visitor: Visitor, reader: Visitor
) -> None:
    host.stop("web")
    try:
        answer, page = reader.ask("/api/audit-logs"), visitor.ask("/hub/logs")
    finally:
        host.start("web")
    assert (answer.status, answer.headers["Retry-After"]) == (502, "5")
    assert problem(answer)["type"] == "urn:auditlogs:problem:hub-away"
    assert (page.status, page.headers["Retry-After"]) == (502, "5")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "The Hub is unavailable" in page.data.decode()
    for response in (answer, page):
        assert response.headers["Strict-Transport-Security"]
        assert response.headers["Server"] == "nginx"
    assert reader.ask("/api/audit-logs").status == 200


def test_a_hub_that_does_not_answer_in_time_is_a_problem_too(host: Host, reader: Visitor) -> None:
    processes = host.children("web")
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        answer = reader.ask("/api/audit-logs")
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)
    assert (answer.status, answer.headers["Retry-After"]) == (504, "5")
    assert problem(answer)["type"] == "urn:auditlogs:problem:hub-silent"


def test_the_access_log_is_json_without_queries_and_one_time_links(
    host: Host, visitor: Visitor
) -> None:
    told = visitor.ask("/hub/sign-in?next=/hub/secret-search").headers["X-Request-ID"]
    visitor.ask("/hub/set-password/Mg/secret-token")
    log = host.path("/var/log/nginx/auditlogs.log")
    # It is written when the answer is out already.
    wait_until(lambda: '"path":"/hub/set-password"' in log.read_text(), "it is written")
    assert "secret-" not in log.read_text()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (line,) = (line for line in lines if line["requestId"] == told)
    assert (line["path"], line["client"], line["status"]) == ("/hub/sign-in", ADDRESS, 200)


# What an operator does later


def test_a_dump_brings_back_who_was_there(host: Host, reader: Visitor, visitor: Visitor) -> None:
    dump, restore = (block for block in sections()["Backups"] if not block.startswith(BY_HAND))
    host.run(dump)
    host.run("echo 'DELETE FROM auditlogs_apikey' | runuser -u postgres -- psql -q auditlogs")
    assert reader.ask("/api/audit-logs").status == 401
    for program in ("web", "worker"):
        host.stop(program)
    host.run(restore)
    for program in ("web", "worker"):
        host.start(program)
    assert reader.ask("/api/audit-logs").status == 200
    assert visitor.sign_in(PASSWORD).status == 302


def test_the_steps_of_an_upgrade_leave_everything_as_it_was(host: Host, reader: Visitor) -> None:
    host.follow("Upgrades")
    host.restart("web")
    host.restart("worker")
    assert reader.read("?limit=1")


def test_a_new_secret_key_ends_neither_sessions_nor_cursors_while_the_old_one_is_believed(
    host: Host, visitor: Visitor, reader: Visitor
) -> None:
    visitor.sign_in(PASSWORD)
    link = reader.ask("/api/audit-logs?limit=1").headers["Link"]
    following = link.partition(NAME)[2].partition(">")[0]
    common = host.path("/etc/auditlogs/common.env")
    before = common.read_text()
    old = units.environment(common)["SECRET_KEY"]
    new = before.replace(old, secrets.token_urlsafe(48))

    common.write_text(f"{new}\nSECRET_KEY_FALLBACKS='{old}'\n")
    host.restart("web")
    assert visitor.ask("/hub/logs").status == 200
    assert reader.ask(following).status == 200

    common.write_text(new.replace("SECRET_KEY='", "SECRET_KEY='x"))
    host.restart("web")
    assert Path(visitor.ask("/hub/logs").headers["Location"].partition("?")[0]).name == "sign-in"
    assert reader.ask(following).status == 400
