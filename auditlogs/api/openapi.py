"""The API's description in OpenAPI 3.1, and the JSON Schema of an entry.

Both follow from the code: fields from the schema types, parameters from the filters, errors from
their table, scopes from the endpoints. Only what a sentence has to say is written here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec
from django import forms

from auditlogs.api.body import JSON, LINES, MAX_ENTRIES
from auditlogs.api.ingest import KEY_LENGTH
from auditlogs.api.introspection import FORM
from auditlogs.api.problems import CONTENT_TYPE, TYPE_PREFIX
from auditlogs.api.readiness import CountingReport, PublicReadiness, Readiness, SpoolReport
from auditlogs.api.views import ALL_OR_NOTHING, BODIES
from auditlogs.entry.actions import ACTION_TYPES
from auditlogs.entry.schema import NAME_LENGTH, Entry, NewEntry
from auditlogs.entry.text import MAX_SEARCH_LENGTH
from auditlogs.explain.codes import PROBLEMS, ProblemSlug
from auditlogs.explain.explained import ExplainedEntry
from auditlogs.export.formats import FORMATS
from auditlogs.export.response import DEFAULT_FORMAT, FORMAT
from auditlogs.query.filters import (
    ActionField,
    EntryFilter,
    InstantField,
    OneOfField,
    PagingForm,
    SearchField,
    ValuesField,
    WordsField,
)
from auditlogs.query.values import EXCLUDE, MAX_VALUES

JsonSchema = dict[str, Any]
# The types of the answers. The API writes all of their fields.
ANSWERS = (Entry, ExplainedEntry, PublicReadiness, Readiness, SpoolReport, CountingReport)
TYPES = (*ANSWERS, NewEntry)
REFERENCE = "#/components/schemas/{name}"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

ABOUT = """\
The audit log of a fleet of AI agents. Programs authenticate with an API key, people with a session
token, both as `Authorization: Bearer KEY`. Errors are problem documents (RFC 9457)."""
KEY = {"bearer": {"type": "http", "scheme": "bearer", "description": "An API key of the account."}}

SEVERAL = (
    f"Up to {MAX_VALUES} values separated by commas; a minus in front excludes a value, and a"
    " backslash marks a comma, a backslash or a leading minus that belongs to it."
)
ANY_REQUEST: tuple[ProblemSlug, ...] = (
    *("bad-request", "key-in-query", "unknown-parameter", "invalid-parameter", "unauthorized"),
    *("insufficient-scope", "rate-limited", "unexpected", "accounts-unavailable"),
    "overloaded",
    *("database-unavailable", "query-timeout", "method-not-allowed"),
)
MONITORED: tuple[ProblemSlug, ...] = (
    *("bad-request", "key-in-query", "unexpected", "method-not-allowed"),
)
PUBLIC: tuple[ProblemSlug, ...] = (*MONITORED, "unknown-parameter")
BODY: tuple[ProblemSlug, ...] = (
    *("invalid-header", "malformed-gzip", "malformed-json", "actor-mismatch", "id-conflict"),
    *("body-too-large", "too-many-entries", "unsupported-media-type", "control-character"),
    *("entry-too-large", "idempotency-key-reused", "invalid-entries", "invalid-value"),
    *("missing-field", "secret-in-id", "timestamp-out-of-range", "too-deep", "unknown-field"),
    "cannot-store",
)


def _reference(name: str) -> JsonSchema:
    return {"$ref": REFERENCE.format(name=name)}


def _array(items: JsonSchema, **limits: int) -> JsonSchema:
    return {"type": "array", "items": items, **limits}


def _record(properties: Mapping[str, JsonSchema]) -> JsonSchema:
    """Return the schema of an object in which every member is required."""
    return {"type": "object", "properties": dict(properties), "required": list(properties)}


def _content(schema: JsonSchema, *types: str) -> JsonSchema:
    return {kind: {"schema": schema} for kind in types}


TEXT: JsonSchema = {"type": "string"}
WHOLE: JsonSchema = {"type": "integer", "minimum": 0}
TIME: JsonSchema = {"type": "string", "format": "date-time"}
TIME_OR_NULL: JsonSchema = {"type": ["string", "null"], "format": "date-time"}
READINESS = _content({"anyOf": [_reference("PublicReadiness"), _reference("Readiness")]}, JSON)
RECEIPTS = _array(_reference("Receipt"))


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What a request does, the errors that it can have, and the parts that the code does not say.

    `answers` has the description and the media types of each status but those of the errors.
    """

    summary: str
    answers: Mapping[int, tuple[str, JsonSchema]]
    problems: tuple[ProblemSlug, ...] = ()
    parameters: tuple[JsonSchema, ...] = ()
    body: JsonSchema | None = None
    # Who needs no key, though others do.
    exception: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def _parameter(place: str, name: str, schema: JsonSchema, sentence: str) -> JsonSchema:
    found: JsonSchema = {"name": name, "in": place, "description": sentence, "schema": schema}
    if place == "path":
        found["required"] = True
    if schema.get("type") == "array":
        found |= {"style": "form", "explode": False}
    return found


def _filters() -> tuple[JsonSchema, ...]:
    """Return the parameters of the filters and the order."""
    return tuple(
        _parameter("query", name, _schema_of(each.field), _sentence(each.label, each.field))
        for name, each in EntryFilter.base_filters.items()
    )


def _paging() -> tuple[JsonSchema, ...]:
    """Return the parameters that choose a part of a list."""
    return tuple(
        _parameter("query", name, _schema_of(each), PAGING[name])
        for name, each in PagingForm.base_fields.items()
    )


def _schema_of(each: forms.Field) -> JsonSchema:
    """Return the values that a field takes."""
    if isinstance(each, WordsField):
        words = [sign + word for sign in ("", EXCLUDE) for word in each.words]
        return _array({"type": "string", "enum": words}, maxItems=MAX_VALUES)
    if isinstance(each, ValuesField):
        return _array({"type": "string", "maxLength": NAME_LENGTH + 1}, maxItems=MAX_VALUES)
    if isinstance(each, OneOfField):
        return {"type": "string", "enum": list(each.words)}
    if isinstance(each, InstantField):
        return TIME
    if isinstance(each, SearchField):
        return {"type": "string", "maxLength": MAX_SEARCH_LENGTH}
    if isinstance(each, forms.IntegerField):
        return {"type": "integer", "minimum": each.min_value, "maximum": each.max_value}
    assert isinstance(each, forms.CharField)
    return {"type": "string", "maxLength": each.max_length}


def _sentence(label: str, each: forms.Field) -> str:
    if isinstance(each, ActionField):
        types = ", ".join(ACTION_TYPES)
        return f"{label}: {types}, or an action such as order.created. {SEVERAL}"
    return f"{label}. {SEVERAL}" if isinstance(each, ValuesField) else f"{label}."


PAGING = {
    "limit": "How many entries a page has at most; 100 without it.",
    "offset": "How many entries to skip. To go further, follow the header Link instead.",
    "cursor": "From the header Link of the page before; not together with offset.",
    "order": "`arrival`: the order in which entries reached the log, for programs that follow it."
    " Not together with sort, offset or a dateRange.",
}
FOLLOWED = {
    "Link": 'The next page, `rel="next"`; absent at the end, but with order=arrival always there.',
    "Retry-After": "With order=arrival, when to ask again after everything was read.",
    "ETag": "With order=arrival, for If-None-Match.",
    "X-Search": "`id`, where the search was an ID and was looked up as one.",
}
# Of every answer but an error.
GRANTED = {"Server-Timing": "What the answer waited for in the log's database."}
RETRY = {"Retry-After": "In how many seconds to try again."}
CHALLENGE = {"WWW-Authenticate": "The challenge of RFC 6750."}
# Of the errors that have any.
ERROR_HEADERS: dict[ProblemSlug, dict[str, str]] = {
    "unauthorized": CHALLENGE,
    "insufficient-scope": CHALLENGE,
    "method-not-allowed": {"Allow": "The methods that the endpoint has."},
    "export-running": RETRY,
    "rate-limited": RETRY,
    "accounts-unavailable": RETRY,
    "overloaded": RETRY,
    "cannot-store": RETRY,
    "database-unavailable": RETRY,
    "query-timeout": RETRY,
}
KNOWN_PAGE = _parameter(
    "header", "If-None-Match", TEXT, "With order=arrival, the ETag of the page that is known."
)
PACKED = _parameter(
    "header",
    "Content-Encoding",
    {"type": "string", "enum": ["identity", "gzip"]},
    "How the body is compressed.",
)
# A path of its own has precedence over one with a parameter.
ID = _parameter("path", "entry_id", {**TEXT, "not": {"const": "export"}}, "The entry's id.")
KEY_ID = _parameter(
    "path", "key_id", {**TEXT, "not": {"const": "introspect"}}, "The key's id, or its name."
)
IDEMPOTENCY = _parameter(
    "header",
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH, "pattern": "^[ -~]+$"},
    "Identifies the same body for 24 hours, for entries without an id.",
)
CHOICE = _parameter(
    "query",
    ALL_OR_NOTHING,
    {"type": "string", "enum": ["true", "false"]},
    "`false` stores the valid entries of a request, even if others are invalid.",
)
FILE_FORMAT = _parameter(
    "query",
    FORMAT,
    {"type": "string", "enum": list(FORMATS), "default": DEFAULT_FORMAT},
    "The format of the file.",
)
STORED = "Every entry was stored before; or, with allOrNothing=false, what was stored and what not."


# By the name of the route and the method.
OPERATIONS: dict[tuple[str, str], Operation] = {
    ("api_openapi", "GET"): Operation(
        summary="Describe the API",
        answers={200: ("This document.", _content({"type": "object"}, JSON))},
        problems=PUBLIC,
    ),
    ("api_entry_schema", "GET"): Operation(
        summary="Describe an entry in JSON Schema",
        answers={200: ("The schema.", _content({"type": "object"}, "application/schema+json"))},
        problems=PUBLIC,
    ),
    ("api_entries", "GET"): Operation(
        summary="Read a list of entries",
        answers={
            200: (
                "Entries, by default newest first.",
                _content(_array(_reference("Entry")), JSON)
                | _content(TEXT, *(kind for kind in BODIES if kind != JSON)),
            ),
            304: ("With order=arrival: the page is the one that If-None-Match names.", {}),
        },
        problems=(*ANY_REQUEST, "not-acceptable"),
        parameters=(*_filters(), *_paging(), KNOWN_PAGE),
        headers=FOLLOWED,
    ),
    ("api_entries", "POST"): Operation(
        summary="Write entries",
        answers={
            200: (STORED, _content({"anyOf": [RECEIPTS, _reference("PartialAnswer")]}, JSON)),
            201: ("The entries are in the database.", _content(RECEIPTS, JSON)),
            202: ("The entries are on the disk of the server.", _content(RECEIPTS, JSON)),
        },
        problems=(*ANY_REQUEST, *BODY),
        parameters=(CHOICE, IDEMPOTENCY, PACKED),
        body=_content(
            {
                "anyOf": [
                    _reference("NewEntry"),
                    _array(_reference("NewEntry"), maxItems=MAX_ENTRIES),
                ]
            },
            JSON,
        )
        | _content({"type": "string", "description": "An entry on each line."}, *LINES),
    ),
    ("api_export", "GET"): Operation(
        summary="Export every entry of a list as a file that ends with a manifest",
        answers={
            200: (
                "The entries, then the manifest: their count, first and last, and SHA-256.",
                _content(TEXT, *(each.content_type for each in FORMATS.values()))
                | _content(
                    _record(
                        {
                            "entries": _array(_reference("Entry")),
                            "manifest": _reference("ExportManifest"),
                        }
                    ),
                    JSON,
                ),
            )
        },
        problems=(*ANY_REQUEST, "export-running"),
        parameters=(*_filters(), FILE_FORMAT),
        headers={"Content-Disposition": "The name of the file."},
    ),
    ("api_entry", "GET"): Operation(
        summary="Read one entry",
        answers={200: ("The entry.", _content(_reference("ExplainedEntry"), JSON))},
        problems=(*ANY_REQUEST, "not-found", "not-acceptable"),
        parameters=(ID,),
    ),
    ("api_introspect", "POST"): Operation(
        summary="Tell whether a token is an active agent's key (RFC 7662)",
        answers={
            200: (
                "Whether it is active, and what it allows.",
                _content(
                    {
                        "type": "object",
                        "properties": {
                            "active": {"type": "boolean"},
                            "exp": {"type": "integer"},
                            **dict.fromkeys(
                                ("scope", "sub", "token_type", "key_id", "key_name"), TEXT
                            ),
                        },
                        "required": ["active"],
                    },
                    JSON,
                ),
            )
        },
        problems=(*ANY_REQUEST, "length-required", "unsupported-media-type", "body-too-large"),
        body=_content(_record({"token": {"type": "string", "minLength": 1}}), FORM),
    ),
    ("api_review", "GET"): Operation(
        summary="Review a day: failures by reason and agent, what is new, who is silent",
        answers={200: ("The review.", _content(_reference("Review"), JSON))},
        problems=(*ANY_REQUEST, "not-acceptable"),
        parameters=(
            _parameter("query", "day", TEXT, "A date; by default the last 24 hours."),
            _parameter("query", "zone", TEXT, "The name of a time zone; by default UTC."),
        ),
    ),
    ("api_key", "GET"): Operation(
        summary="Tell what an agent's key is, and what it did",
        answers={200: ("The key.", _content(_reference("AgentKey"), JSON))},
        problems=(*ANY_REQUEST, "not-found", "not-acceptable"),
        parameters=(KEY_ID,),
    ),
    ("readyz", "GET"): Operation(
        summary="Tell whether entries are accepted",
        answers={
            200: ("They are. A session of staff also gets the state of the write path.", READINESS),
            503: ("They are not.", READINESS),
        },
        problems=MONITORED,
    ),
    ("metrics", "GET"): Operation(
        summary="Read the figures of this host, in Prometheus' text format or in OpenMetrics",
        answers={
            200: ("The metrics.", _content(TEXT, "text/plain", "application/openmetrics-text"))
        },
        problems=(
            *(*MONITORED, "invalid-parameter", "unauthorized", "insufficient-scope"),
            *("rate-limited", "accounts-unavailable"),
        ),
        exception=" A program in one of `AUDITLOGS_METRICS_NETWORKS` needs none.",
    ),
}

NULL_OR = [{"type": "null"}]
ENTRY_OR_NULL = {"anyOf": [_record({"id": TEXT, "timestamp": TIME}), *NULL_OR]}
OWN_SCHEMAS: dict[str, JsonSchema] = {
    "Problem": {
        "type": "object",
        "description": "RFC 9457. Some errors have further members: `scope` is the missing scope, "
        "`errors` lists faults, `entries` what became of each entry, `error` a code of OAuth.",
        "properties": {
            "type": {"type": "string", "enum": [f"{TYPE_PREFIX}{slug}" for slug in PROBLEMS]},
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "errors": _array(_reference("Fault")),
            "scope": TEXT,
            "entries": _array({"type": "object"}),
            "error": TEXT,
        },
        "required": ["type", "title", "status", "detail"],
    },
    "Fault": {
        "type": "object",
        "description": "What is wrong: a parameter, or a path in the entry with this index.",
        "properties": {
            "parameter": TEXT,
            "index": WHOLE,
            "path": TEXT,
            "code": TEXT,
            "detail": TEXT,
        },
        "required": ["code", "detail"],
    },
    "Receipt": _record(
        {
            "index": WHOLE,
            "id": {"type": "string", "format": "uuid"},
            "status": {"type": "string", "enum": ["created", "duplicate", "spooled"]},
        }
    ),
    "ExportManifest": _record(
        {
            "count": WHOLE,
            "first": ENTRY_OR_NULL,
            "last": ENTRY_OR_NULL,
            "sha256": TEXT,
            "account": TEXT,
            "startedAt": TIME,
            "format": {"type": "string", "enum": list(FORMATS)},
            "filters": _array(_record({"parameter": TEXT, "value": TEXT})),
            "range": _record({"start": TIME, "end": TIME_OR_NULL}),
        }
    ),
    "PartialAnswer": _record({"stored": RECEIPTS, "refused": _array(_reference("Fault"))}),
    "Review": _record(
        {
            "start": TIME,
            "end": TIME,
            "zone": TEXT,
            "botId": {"type": ["string", "null"]},
            "countedAt": TIME_OR_NULL,
            "entriesCounted": WHOLE,
            "isCut": {"type": "boolean"},
            "totals": {"type": "object"},
            **dict.fromkeys(
                (
                    *("failuresByReason", "authenticationSpikes", "missingScopes", "denials"),
                    *("breakersAndKillSwitches", "executedWithOtherArguments", "changes"),
                    *("firstSeen", "silent"),
                ),
                _record({"items": _array({"type": "object"}), "more": WHOLE}),
            ),
        }
    ),
    "AgentKey": _record(
        {
            "id": TEXT,
            "name": {"type": ["string", "null"]},
            "issuedHere": {"type": "boolean"},
            "state": {"type": ["string", "null"]},
            "agents": _array(TEXT),
            "scopes": {"anyOf": [_array(TEXT), *NULL_OR]},
            **dict.fromkeys(
                (
                    *("createdAt", "rotatedAt", "revokedAt", "expiresAt", "lastUsedAt"),
                    *("firstUse", "lastUse"),
                ),
                TIME_OR_NULL,
            ),
            "openOrders": _array(TEXT),
            "use": {"type": "object"},
            "last24Hours": {"type": "object"},
            "beforeRotation": {"type": ["object", "null"]},
            "sinceRotation": {"type": ["object", "null"]},
            "history": _array({"type": "object"}),
        }
    ),
}


def document(routes: Mapping[str, tuple[str, Mapping[str, str]]]) -> JsonSchema:
    """Return the description of the routes that `OPERATIONS` has: by name their path template, and
    the scope of each method, empty for what needs no key."""
    paths: dict[str, JsonSchema] = {}
    for (name, method), operation in OPERATIONS.items():
        path, scopes = routes[name]
        paths.setdefault(path, {})[method.lower()] = _operation(
            f"{name}_{method.lower()}", operation, scopes[method]
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Audit logs", "version": "1", "description": ABOUT},
        "jsonSchemaDialect": DIALECT,
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {**_types(REFERENCE, *TYPES), **OWN_SCHEMAS},
            "securitySchemes": KEY,
        },
    }


def entry_schema(address: str) -> JsonSchema:
    """Return the JSON Schema of an entry as the API answers it, whose `$id` is its address."""
    types = _types("#/$defs/{name}", Entry)
    return {"$schema": DIALECT, "$id": address, **types.pop("Entry"), "$defs": types}


def _operation(name: str, operation: Operation, scope: str) -> JsonSchema:
    answers: JsonSchema = {}
    for status, (sentence, kinds) in operation.answers.items():
        headers = _headers({**operation.headers, **GRANTED})
        answers[str(status)] = {"description": sentence, "headers": headers}
        if kinds:
            answers[str(status)]["content"] = kinds
    found: JsonSchema = {
        "operationId": name,
        "summary": operation.summary,
        "description": (f"Requires the scope `{scope}`." if scope else "Needs no key.")
        + operation.exception,
        "security": [{"bearer": []}, *([{}] if operation.exception else [])] if scope else [],
        "parameters": list(operation.parameters),
        "responses": {**answers, **_errors(operation.problems)},
    }
    if operation.body:
        found["requestBody"] = {"required": True, "content": operation.body}
    return found


def _headers(sentences: Mapping[str, str]) -> JsonSchema:
    return {name: {"description": text, "schema": TEXT} for name, text in sentences.items()}


def _errors(slugs: Iterable[ProblemSlug]) -> JsonSchema:
    """Return an answer for each status of some problems, which names them."""
    by_status: dict[int, list[ProblemSlug]] = {}
    for slug in slugs:
        by_status.setdefault(PROBLEMS[slug].status, []).append(slug)
    return {
        str(status): {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(f'`{n}`' for n in names)}",
            "headers": _headers(
                {k: v for name in names for k, v in ERROR_HEADERS.get(name, {}).items()}
            ),
            "content": _content(_reference("Problem"), CONTENT_TYPE),
        }
        for status, names in sorted(by_status.items())
    }


def _types(template: str, *roots: type[msgspec.Struct]) -> dict[str, JsonSchema]:
    """Return the schemas of types and of their parts."""
    types: dict[str, JsonSchema]
    _, types = msgspec.json.schema_components(roots, ref_template=template)
    for answer in (types[root.__name__] for root in roots if issubclass(root, ANSWERS)):
        # Defaults are for entries of older versions and the like: the API writes every field.
        answer["required"] = list(answer["properties"])
        for name in answer["required"]:
            answer["properties"][name].pop("default", None)
    for entry in (types[root.__name__] for root in roots if issubclass(root, Entry)):
        entry["properties"]["id"] |= {"format": "uuid"}
        for name in ("timestamp", "recordedAt"):
            entry["properties"][name] |= {"format": "date-time"}
    for each in types.values():
        # Of docstrings the paragraph for readers of the API, not of the code.
        each["description"] = " ".join(each.get("description", "").partition("\n\n")[0].split())
    return types
