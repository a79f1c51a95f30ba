"""What `/metrics` tells, read by Prometheus' own parsers, and to whom."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from django.test import Client
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from auditlogs.accounts import keys
from auditlogs.counters.leader import LeaderLease
from auditlogs.entry.times import now
from auditlogs.metrics import SHARED
from auditlogs.models import Account
from auditlogs.recording.recorder import record_many
from auditlogs.storage import mongo
from auditlogs.storage.counts import LEASE_ID, Progress
from auditlogs.write.spool import spool
from tests import away
from tests.api import Api, problem_of
from tests.away import connected_to, impatience
from tests.demo_process import ROOT
from tests.factories import new
from tests.server import SECRET_KEY

PATH = "/metrics"
KEY = "aud_7Gk2Qx9Lm4Tz8Rw3Vb6Np1Sd5Fh0JcXyAeUi"
ENTRY = {"action": "order.created", "result": "success", "actor": {"type": "agent", "id": "a-1"}}
Samples = dict[tuple[str, str], float]


@pytest.fixture(autouse=True)
def _own_spool(settings: Settings, tmp_path: Path) -> Iterator[None]:
    settings.AUDITLOGS_SPOOL_DIR = str(tmp_path)
    spool.cache_clear()
    yield
    spool.cache_clear()


@pytest.fixture
def scraper(account: Account) -> Api:
    return Api(keys.create(account, "prometheus", ["metrics:read"]))


def samples(text: str) -> Samples:
    """Return each sample by its name and the value of its label, if it has one."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in plain(text)
        for sample in family.samples
        if "le" not in sample.labels
    }


def scrape(scraper: Api) -> Samples:
    response = scraper.get(PATH)
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    return samples(response.content.decode())


def grown(before: Samples, after: Samples, name: str, label: str = "") -> float:
    return after[name, label] - before.get((name, label), 0.0)


def test_it_counts_what_is_taken_and_refused(scraper: Api, account: Account) -> None:
    writer = Api(keys.create(account, "writer", ["logs:write"]))
    before = scrape(scraper)
    writer.post([ENTRY, ENTRY])
    writer.post([{**ENTRY, "result": "maybe", "other": 1}, ENTRY])
    writer.post({**ENTRY, "payload": {"password": "hunter2 hunter2", "a": "[REDACTED:made-up]"}})
    writer.get()
    after = scrape(scraper)
    # The refused reading is an entry, too.
    assert grown(before, after, "auditlogs_entries_total", "created") == 4
    assert grown(before, after, "auditlogs_entries_refused_total", "unknown-field") == 1
    assert grown(before, after, "auditlogs_api_errors_total", "insufficient-scope") == 1
    assert grown(before, after, "auditlogs_redactions_total", "key-name") == 1
    assert grown(before, after, "auditlogs_redactions_total", "other") == 1
    assert not any("made-up" in label for _, label in after)


def test_it_times_queries_by_kind(scraper: Api, account: Account) -> None:
    reader = Api(keys.create(account, "reader", ["logs:read"]))
    before = scrape(scraper)
    for parameters in ({}, {"search": "x"}, {"sort": "actor"}, {"order": "arrival"}):
        reader.get(**parameters)
    after = scrape(scraper)
    for kind in ("list", "search", "sorted", "arrivals"):
        assert grown(before, after, "auditlogs_query_seconds_count", kind) == 1


def test_it_tells_what_waits_and_what_the_log_rejected(
    scraper: Api, settings: Settings, tmp_path: Path
) -> None:
    with connected_to(away.nowhere(), settings, tmp_path / "s"), impatience(0.2):
        record_many([new(), new()], account="acc_x")
        spool().move_to_dead_letters(spool().oldest(1)[0].id, "no reason")
        found = scrape(scraper)
    assert found["auditlogs_spool_entries", ""] == 1
    assert found["auditlogs_dead_letters", ""] == 1
    assert found["auditlogs_spool_oldest_seconds", ""] > 0
    assert found["auditlogs_database_up", ""] == 0
    assert ("auditlogs_counting_lag_seconds", "") not in found


def test_it_tells_how_far_behind_the_counters_are(scraper: Api) -> None:
    mongo.counters().delete_one({"_id": LEASE_ID})
    lease = LeaderLease()
    assert lease.acquire()
    lease.release(Progress(now(), counted_at=now()))
    found = scrape(scraper)
    assert found["auditlogs_database_up", ""] == 1
    assert 0 <= found["auditlogs_counting_lag_seconds", ""] < 60


def test_no_series_names_an_account_an_agent_or_a_key(scraper: Api, account: Account) -> None:
    text = scraper.get(PATH).content.decode()
    assert account.id not in text
    assert account.name not in text
    labels = {label for f in plain(text) for sample in f.samples for label in sample.labels}
    assert labels <= {"outcome", "code", "rule", "kind", "le"}


def test_it_speaks_openmetrics_over_a_live_server(live_server: LiveServer, scraper: Api) -> None:
    from urllib.request import Request, urlopen

    headers = {**scraper.headers, "Accept": "application/openmetrics-text;version=1.0.0"}
    with urlopen(Request(f"{live_server.url}{PATH}", headers=headers)) as response:
        assert response.headers["Content-Type"].startswith("application/openmetrics-text")
        families = {family.name for family in _families(response.read().decode())}
    assert {"auditlogs_entries", "auditlogs_query_seconds", "auditlogs_spool_lost"} <= families


@pytest.mark.parametrize(
    ("address", "status"),
    [("10.20.3.4", 200), ("::ffff:10.20.3.4", 200), ("10.21.3.4", 401), ("", 401)],
)
def test_a_configured_network_needs_no_key(
    settings: Settings, db: None, address: str, status: int
) -> None:
    settings.AUDITLOGS_METRICS_NETWORKS = ["10.20.0.0/16"]
    assert Client(REMOTE_ADDR=address).get(PATH).status_code == status


def test_a_network_only_reads(settings: Settings, db: None) -> None:
    settings.AUDITLOGS_METRICS_NETWORKS = ["127.0.0.1"]
    problem_of(Client().post(PATH), 405, "method-not-allowed")
    problem_of(Client().get(PATH, {"token": KEY}), 400, "key-in-query")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/openmetrics-text;q=0, text/plain", "text/plain"),
        ("application/openmetrics-text;q=0.1, text/plain;version=1.0.0;q=0.9", "text/plain"),
        ("text/plain;q=0.5, application/openmetrics-text", "application/openmetrics-text"),
        ("", "text/plain"),
    ],
)
def test_the_format_is_the_one_that_is_preferred(scraper: Api, accept: str, kind: str) -> None:
    scraper.headers["accept"] = accept
    response = scraper.get(PATH)
    assert response["Content-Type"].startswith(kind)
    assert "Accept" in response["Vary"]


def test_other_scopes_and_other_networks_are_refused(api_key: str) -> None:
    problem_of(Api(api_key).get(PATH), 403, "insufficient-scope")
    problem_of(Api(KEY).get(PATH), 401, "unauthorized")


def test_no_admin_can_give_a_key_the_scope(admin: object, client: Client) -> None:
    client.force_login(admin)  # type: ignore[arg-type]
    response = client.post("/hub/api-keys", {"name": "p", "scopes": "metrics:read", "expires": ""})
    assert response.status_code == 200
    assert b"metrics:read" not in client.get("/hub/api-keys").content
    assert not keys.active_of(Account.objects.get()).exists()


def test_processes_that_share_a_folder_are_added_up(tmp_path: Path) -> None:
    script = """if True:
        import os, sys
        from auditlogs import metrics
        metrics.ENTRIES.labels("created").inc(2)
        if not os.fork():
            metrics.ENTRIES.labels("created").inc(3)
            os._exit(0)
        os.wait()
        import django; django.setup()
        from auditlogs.api.metrics import Figures
        from prometheus_client import generate_latest
        sys.stdout.write(generate_latest(Figures()).decode())
    """
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={
            **os.environ,
            SHARED: str(tmp_path),
            "SECRET_KEY": SECRET_KEY,
            "AUDITLOGS_SPOOL_DIR": str(tmp_path / "spool"),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert samples(done.stdout)["auditlogs_entries_total", "created"] == 5


def test_every_rule_of_the_redactor_has_a_label() -> None:
    from auditlogs.redaction import RULES, Redactor
    from tests.auditlogs.redaction import corpus

    redactor = Redactor()
    marks = set()
    for case in list(corpus.secrets(rounds=1))[::3]:
        marks |= {each.rule for each in redactor.entry({"payload": case.payload})[1]}
    assert marks
    assert marks <= RULES


def test_the_document_names_every_metric_and_every_alert_uses_one(scraper: Api) -> None:
    document = (ROOT / "docs" / "metrics.md").read_text()
    named = set(re.findall(r"`(auditlogs_\w+)", document.partition("## What there is")[2]))
    headers = {**scraper.headers, "accept": "application/openmetrics-text;version=1.0.0"}
    families = _families(scraper.client.get(PATH, headers=headers).content.decode())
    served = {f"{f.name}_total" if f.type == "counter" else f.name for f in families}
    # Absent until the first count.
    assert named | {"auditlogs_counting_lag_seconds"} == served | {"auditlogs_counting_lag_seconds"}
    rules = yaml.safe_load(document.rpartition("```yaml\n")[2].partition("```")[0])
    for rule in rules["groups"][0]["rules"]:
        used = set(re.findall(r"auditlogs_\w+", rule["expr"]))
        assert {name.removesuffix("_bucket") for name in used} <= named, rule["alert"]


def _families(text: str) -> list[Metric]:
    return list(openmetrics(text))  # type: ignore[no-untyped-call]
