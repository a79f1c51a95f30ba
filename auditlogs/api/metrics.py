"""`GET /metrics`: the figures of this host's web processes, for Prometheus.

They are of all accounts, so neither an account's key nor a person's session reads them: a key with
the scope `metrics:read` does, or a program in one of AUDITLOGS_METRICS_NETWORKS without a key.
"""

import functools
import os
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from auditlogs.api.negotiation import by_preference
from auditlogs.api.views import SCOPES, endpoint, public
from auditlogs.entry.times import now
from auditlogs.metrics import REGISTRY, SHARED
from auditlogs.middleware import source_ip
from auditlogs.models import ApiKey
from auditlogs.storage import counts, mongo
from auditlogs.storage.mongo import StorageError
from auditlogs.write.spool import Spool, spool
from auditlogs.write.spool_file import SpoolError

# How long a scrape waits for the database; it waits up to two seconds for the spool.
DATABASE_SECONDS = 1.0


class Figures(Collector):
    """Everything that a scrape returns: what processes have counted, and the state of the host."""

    def collect(self) -> Iterator[Metric]:
        yield from _counted()
        yield from _spool_state(spool())
        yield from _database_state(spool())


@csrf_exempt
def metrics(request: HttpRequest) -> HttpResponseBase:
    """Answer in the text format that the request accepts, Prometheus' or OpenMetrics'."""
    return (_for_networks if _is_trusted(request) else _for_keys)(request)


def _exposition(request: HttpRequest) -> HttpResponse:
    # It takes the first that it knows, whatever the quality.
    accept = by_preference(request.headers.get("Accept", ""))
    encode, content_type = choose_encoder(accept)
    response = HttpResponse(encode(Figures()), content_type=content_type)
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Accept"
    return response


def _with_key(request: HttpRequest, key: ApiKey) -> HttpResponse:
    return _exposition(request)


_for_networks = public(_exposition)
_for_keys = endpoint({"GET": ("metrics:read", _with_key)})
SCOPES[metrics] = SCOPES[_for_keys]


def _is_trusted(request: HttpRequest) -> bool:
    try:
        address = ip_address(source_ip(request) or "")
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in each for each in _networks(tuple(settings.AUDITLOGS_METRICS_NETWORKS)))


@functools.cache
def _networks(texts: tuple[str, ...]) -> list[IPv4Network | IPv6Network]:
    return [ip_network(text) for text in texts]


def _counted() -> Iterable[Metric]:
    shared = os.environ.get(SHARED)
    source: Collector = REGISTRY
    if shared:
        source = MultiProcessCollector(None, shared)  # type: ignore[no-untyped-call]
    return source.collect()


def _spool_state(queue: Spool) -> Iterator[Metric]:
    """Yield the state of this host's spool. Without its depth, `auditlogs_spool_up` is 0."""
    lost = queue.file.losses.total()
    yield CounterMetricFamily(
        "auditlogs_spool_lost", "Entries that the spool had and lost with its file.", value=lost
    )
    yield _gauge("auditlogs_spool_bytes", "Size of the spool on the disk.", queue.file.size())
    yield _gauge("auditlogs_spool_max_bytes", "How large the spool may grow.", queue.max_bytes)
    try:
        depth = queue.depth()
    except SpoolError:
        yield _gauge("auditlogs_spool_up", "Whether the spool can be read.", 0)
        return
    yield _gauge("auditlogs_spool_up", "Whether the spool can be read.", 1)
    yield _gauge("auditlogs_spool_entries", "Entries that wait in the spool.", depth.waiting)
    yield _gauge(
        "auditlogs_spool_oldest_seconds", "Age of the oldest of them.", depth.oldest_seconds
    )
    yield _gauge("auditlogs_dead_letters", "Entries that the log rejected.", depth.dead)


def _database_state(queue: Spool) -> Iterator[Metric]:
    """Yield whether the log's database answers and, if so, how far the worker has counted."""
    is_open = queue.breaker.state == "open"
    yield _gauge(
        "auditlogs_breaker_open", "Whether the circuit breaker of the database is open.", is_open
    )
    progress = None
    # Known to be down, so that no scrape waits for it.
    is_up = not is_open
    try:
        if is_up:
            with mongo.time_limit(DATABASE_SECONDS):
                progress = counts.progress()
    except StorageError:
        is_up = False
    yield _gauge("auditlogs_database_up", "Whether the log’s database answers.", is_up)
    if progress and progress.counted_at:
        lag = max(0.0, (now() - progress.counted_at).total_seconds())
        yield _gauge(
            "auditlogs_counting_lag_seconds", "Time since everything was counted last.", lag
        )


def _gauge(name: str, sentence: str, value: float) -> Metric:
    return GaugeMetricFamily(name, sentence, value=value)
