"""Figures of this process for Prometheus; `auditlogs.api.metrics` serves them.

No label names an account, an agent or a key, and every label has a bounded set of values.
"""

import functools
from collections.abc import Callable, Collection
from typing import Concatenate, Literal, ParamSpec, TypeVar

from prometheus_client import CollectorRegistry, Counter, Histogram

QueryKind = Literal[
    "list", "sorted", "search", "arrivals", "count", "entry", "neighbours", "volume", "stops"
]
# The variable with the folder in which several processes share their figures; prometheus_client
# reads it when it is imported.
SHARED = "PROMETHEUS_MULTIPROC_DIR"
# The label of a value that is none of those that are known.
OTHER = "other"

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")

REGISTRY = CollectorRegistry()

ENTRIES = Counter(
    "auditlogs_entries",
    "Entries that were taken, by outcome: created, duplicate, conflict, spooled.",
    ["outcome"],
    registry=REGISTRY,
)
REFUSED = Counter(
    "auditlogs_entries_refused",
    "Entries that the API refused, by the code of their first fault.",
    ["code"],
    registry=REGISTRY,
)
ERRORS = Counter(
    "auditlogs_api_errors",
    "Requests that the API answered with an error, by the code of the problem.",
    ["code"],
    registry=REGISTRY,
)
REDACTIONS = Counter(
    "auditlogs_redactions",
    "Secrets that were replaced in entries, by rule.",
    ["rule"],
    registry=REGISTRY,
)
LOST = Counter(
    "auditlogs_entries_lost",
    "Entries that neither the database nor the spool could take.",
    registry=REGISTRY,
)
QUERIES = Histogram(
    "auditlogs_query_seconds",
    "Time of a query of the log, by kind, with those that failed.",
    ["kind"],
    registry=REGISTRY,
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)


def timed(
    kind: Callable[[S], QueryKind],
) -> Callable[[Callable[Concatenate[S, P], T]], Callable[Concatenate[S, P], T]]:
    """Decorate a method that queries the log; `kind` names the query of its object."""

    def decorate(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
        @functools.wraps(method)
        def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
            with QUERIES.labels(kind(self)).time():
                return method(self, *args, **kwargs)

        return run

    return decorate


def count_redactions(rules: Collection[str], known: Collection[str]) -> None:
    """Count the rules of an entry's marks. A writer can send marks with rules of its own, so those
    that are not `known` have one label together."""
    for rule in rules:
        REDACTIONS.labels(rule if rule in known else OTHER).inc()
