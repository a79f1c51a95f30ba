"""How long a list takes, on the demo's data, and what it asks of the database.

Run as `python -m tests.bench`. Times are of one run on one machine: read the ratios. Each line
tells the median and the slowest of the warm runs, the ratio to the plain list, the round trips
to the log, and the index that serves them. A page is rendered whole, so this is server time.
"""

import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from pymongo import monitoring

from tests.server import SECRET_KEY, Server
from tests.watching import sent, watcher

if TYPE_CHECKING:
    from django.test import Client

    from auditlogs.models import Account

RUNS = 20
# How many agents an account has.
FLEETS = (12, 300)
HISTORY = timedelta(days=29)
WORD, RARE_WORD = "momentum", "zzyzx"


def filters(actor: str, bot: str) -> dict[str, dict[str, str]]:
    """Return one setting of each filter, by its name."""
    return {
        "24h": {"dateRange": "24h"},
        "30d": {"dateRange": "30d"},
        "all": {"dateRange": "all"},
        "actor": {"actor": actor},
        "botId": {"botId": bot},
        "type": {"action": "trade"},
        "action": {"action": "mcp.tool.call"},
        "result": {"result": "failure"},
        "target": {"target": "jupiter"},
        "search": {"search": WORD},
    }


def lists(actor: str, bot: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the lists to measure: plain, each filter, each pair, each sort, a rare word."""
    yield "plain", {}
    single = filters(actor, bot)
    yield from single.items()
    for (one, first), (two, second) in itertools.combinations(single.items(), 2):
        if not first.keys() & second.keys():
            yield f"{one} + {two}", first | second
    for sort in ("timestamp", "actor", "-actor", "action", "-action", "result", "-result"):
        yield f"sort {sort}", {"sort": sort}
    yield "rare word", {"search": RARE_WORD}
    yield "rare word, all", {"search": RARE_WORD, "dateRange": "all"}


def main() -> None:
    """Record the demo's history in a database of the benchmark's own, and measure."""
    monitoring.register(watcher)
    with tempfile.TemporaryDirectory() as folder:
        server = Server()
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "hub.settings",
            "SECRET_KEY": SECRET_KEY,
            "HTTPS": "false",
            "MONGODB_URI": server.uri,
            "DATABASE_URL": f"sqlite:///{folder}/hub.sqlite3",
            "ALLOWED_HOSTS": "testserver",
        }
        try:
            measure()
        finally:
            server.stop()


def measure() -> None:
    """Print a line for each list."""
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    from auditlogs.entry.times import now
    from auditlogs.models import Account
    from auditlogs.recording.recorder import MAX_BATCH, record_many
    from auditlogs.storage.indexes import ensure_indexes
    from hub.demo import history
    from hub.demo.cast import SCOUT
    from hub.models import Membership

    settings.STORAGES["staticfiles"] = {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
    }
    call_command("migrate", verbosity=0)
    ensure_indexes()
    account = Account.objects.create(name="bench")
    moment = now()
    entries = history.between(moment - HISTORY, moment)
    for start in range(0, len(entries), MAX_BATCH):
        record_many(entries[start : start + MAX_BATCH], account=account.id)
    user = User.objects.create(username="bench")
    Membership.objects.create(user=user, account=account)
    client = Client()
    client.force_login(user)
    measure_agents(client, account)

    sys.stdout.write(f"{len(entries):,} entries, {RUNS} runs each, page of 50\n")
    sys.stdout.write(f"{'list':24}{'median':>9}{'slowest':>9}{'ratio':>7}{'trips':>6}  index\n")
    plain = 0.0
    for label, query in lists(SCOUT.id, SCOUT.bot_id):
        url = f"/hub/logs?{urlencode(query)}"
        client.get(url)
        times: list[float] = []
        for _ in range(RUNS):
            began = time.perf_counter()
            response = client.get(url)
            times.append((time.perf_counter() - began) * 1_000)
            assert response.status_code == 200
        with watcher.watch() as commands:
            client.get(url)
        reads = sent(commands, "aggregate", "audit_logs")
        median = statistics.median(times)
        plain = plain or median
        sys.stdout.write(
            f"{label:24}{median:7.1f}ms{max(times):7.1f}ms{median / plain:7.1f}{len(reads):6}"
            f"  {', '.join(sorted({index_of(read) for read in reads}))}\n"
        )


def measure_agents(client: "Client", account: "Account") -> None:
    """Print how long the agents take, few and many, each active in every hour of thirty days."""
    from auditlogs.counters import tallies as counters
    from auditlogs.entry.times import DAY_MS, HOUR_MS, now, to_ms
    from auditlogs.storage import counts
    from auditlogs.storage.counts import Kind, Span, Tally

    this_hour = counts.start_of("hour", to_ms(now()))
    for bots in FLEETS:
        hours = [
            Span(
                hour,
                [
                    Tally(f"bot_{n:06}", 90, n % 9, 1, hour, f"agent_{n:06}", f"Momentum Scout {n}")
                    for n in range(bots)
                ],
                {},
                {},
            )
            for hour in range(this_hour - 30 * DAY_MS, this_hour + 1, HOUR_MS)
        ]
        spans: dict[Kind, list[Span]] = {"hour": hours, "day": counters._sums("day", hours)}
        counters._keep(account.id, spans, 1)
        for url in ("/hub/agents", "/hub/agents/bot_000001"):
            client.get(url)
            times: list[float] = []
            for _ in range(RUNS):
                began = time.perf_counter()
                response = client.get(url)
                times.append((time.perf_counter() - began) * 1_000)
                assert response.status_code == 200
            median = statistics.median(times)
            sys.stdout.write(
                f"{url}, {bots} agents: {median:.0f} ms, at most {max(times):.0f} ms\n"
            )


def index_of(command: dict[str, object]) -> str:
    """Return the name of the index that an aggregate's first stage is served by."""
    from auditlogs.storage.indexes import ACCOUNT_FILTER, LEADING_FILTERS

    pipeline = command["pipeline"]
    assert isinstance(pipeline, list)
    match = pipeline[0]["$match"]
    return next(
        (lead.index for lead in LEADING_FILTERS if lead.path in match), ACCOUNT_FILTER.index
    )


if __name__ == "__main__":
    main()
