"""Every setting that the environment can hold, declared once.

`hub/settings.py` reads them through `read`; a test compares docs/configuration.md and
deploy/env.example with this table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from environs import Env

from hub.startup import validators

Kind = Literal["text", "list", "number", "true or false", "JSON object", "URL", "database URL"]

# The parser of each kind, a method of environs.Env. A list is separated by commas.
PARSERS: dict[Kind, str] = {
    "text": "str",
    "list": "list",
    "number": "int",
    "true or false": "bool",
    "JSON object": "json",
    "URL": "str",
    "database URL": "dj_db_url",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of the environment.

    `default` is the parsed value; None where hub/settings.py computes it, which `default_is` then
    describes. `example` is the value that deploy/env.example sets, if it sets one.
    """

    name: str
    kind: Kind
    default: Any
    sentence: str
    validate: Callable[[Any], None] | None = None
    default_is: str = ""
    example: str | None = None


_DECLARED = (
    Setting(
        "SECRET_KEY",
        "text",
        "",
        "Signs sessions and cursors; the same for all processes. `openssl rand -base64 48` makes "
        "one.",
        validators.secret_key,
        default_is="required",
        example="",
    ),
    Setting(
        "SECRET_KEY_FALLBACKS",
        "list",
        [],
        "Former secret keys whose signatures are still accepted, so that changing `SECRET_KEY` "
        "signs nobody out. Each has to be as strong as `SECRET_KEY`.",
        validators.secret_keys,
    ),
    Setting(
        "ALLOWED_HOSTS",
        "list",
        ["localhost", "127.0.0.1", "[::1]"],
        "The host names under which the Hub is reached.",
        example="audit.example.com",
    ),
    Setting(
        "HTTPS",
        "true or false",
        True,
        "Whether the Hub is reached by HTTPS. Then HTTP is redirected, cookies are limited to "
        "HTTPS and this host (`__Host-`), and HSTS holds for a year, subdomains included.",
        example="true",
    ),
    Setting(
        "PROXY_HOPS",
        "number",
        0,
        "How many proxies stand in front of the Hub. The client's address is that many places from "
        "the right of `X-Forwarded-For`, and `X-Forwarded-Proto` is trusted.",
        validators.proxy_hops,
        example="1",
    ),
    Setting(
        "DATABASE_URL",
        "database URL",
        None,
        "The database of people, accounts and API keys: SQLite, or PostgreSQL with the extra "
        "`postgres`.",
        default_is="an SQLite file in the checkout or else the working directory",
        example="postgres://auditlogs:PASSWORD@127.0.0.1:5432/auditlogs",
    ),
    Setting(
        "MONGODB_URI",
        "URL",
        "mongodb://127.0.0.1:27017/auditlogs",
        "The database of the log, `mongodb://` or `mongodb+srv://`. Web, worker and administrator "
        "each have a user of their own, and so a value of their own.",
        validators.mongodb_uri,
    ),
    Setting(
        "AUDITLOGS_RETENTION_DAYS",
        "number",
        30,
        "For how many days entries are kept and shown, at most 24855.",
        validators.retention_days,
        example="30",
    ),
    Setting(
        "AUDITLOGS_SPOOL_DIR",
        "text",
        None,
        "The folder where entries wait while MongoDB is unavailable: on a persistent disk of this "
        "host, one folder for all of its processes.",
        default_is="`spool` in the checkout or else the working directory",
        example="/var/lib/auditlogs/spool",
    ),
    Setting(
        "AUDITLOGS_SPOOL_MAX_BYTES",
        "number",
        1 << 30,
        "How large the spool may grow, in bytes.",
        validators.spool_bytes,
        example="1073741824",
    ),
    Setting(
        "AUDITLOGS_REDACT_NAMES",
        "list",
        [],
        "More names of fields whose values are redacted.",
    ),
    Setting(
        "AUDITLOGS_REDACT_PATTERNS",
        "JSON object",
        {},
        "More patterns of secrets: rule names and their RE2 patterns.",
        validators.redact_patterns,
    ),
    Setting(
        "AUDITLOGS_TOOL_SCOPES",
        "text",
        "",
        "The JSON file that declares the scopes of agents' keys and the tools that each allows. "
        "Without one, no agent's key can be created.",
        validators.tool_scopes,
    ),
    Setting(
        "AUDITLOGS_API_RATE",
        "text",
        "1200/minute;200/10 second",
        "How often a key may call the API. Every rate applies; each process counts for itself.",
        validators.rate,
    ),
    Setting(
        "AUDITLOGS_METRICS_NETWORKS",
        "list",
        [],
        "The networks whose programs may read `/metrics` without a key, such as `10.20.0.0/16`. "
        "With a proxy in front, `PROXY_HOPS` has to be right, or everyone comes from the proxy.",
        validators.networks,
    ),
    Setting(
        "AUDITLOGS_TRACE_URL",
        "URL",
        "",
        "The address of a trace in Grafana or another explorer, which the drawer links: "
        "`{trace_id}` becomes the 32 hex digits of the correlation ID, `{from}` and `{to}` an hour "
        "before and after the entry, in milliseconds since 1970.",
        validators.trace_url,
    ),
    Setting(
        "AUDITLOGS_TRACE_RETENTION_HOURS",
        "number",
        336,
        "For how many hours traces are kept there. Entries that are older have no link.",
        validators.trace_hours,
    ),
    Setting(
        "SIGN_IN_RATE",
        "text",
        "30/minute",
        "How often an IPv4 address or an IPv6 /64 network may try a password; each process counts "
        "for itself.",
        validators.rate,
    ),
    Setting(
        "SESSION_IDLE_MINUTES",
        "number",
        120,
        "After how many minutes without a request a session ends. Sessions of staff end after 30 "
        "minutes at the latest.",
        validators.idle_minutes,
    ),
    Setting(
        "OIDC_ISSUER",
        "URL",
        "",
        "The OpenID Connect issuer for single sign-on. Needs the extra `sso`, `OIDC_CLIENT_ID` and "
        "`OIDC_CLIENT_SECRET`.",
        validators.issuer,
    ),
    Setting("OIDC_CLIENT_ID", "text", "", "The client ID of the Hub at the issuer."),
    Setting("OIDC_CLIENT_SECRET", "text", "", "The client secret of the Hub at the issuer."),
    Setting(
        "DEBUG",
        "true or false",
        False,
        "Django's debug mode. The Hub does not start with it.",
        validators.debug,
    ),
)
SETTINGS = {setting.name: setting for setting in _DECLARED}

_environment = Env()


def read(name: str, computed_default: str | None = None) -> Any:
    """Return a declared setting, parsed and validated; its default where it is not set.

    `computed_default` is for a setting declared without a default, such as a path. Raises EnvError.
    """
    setting = SETTINGS[name]
    default = computed_default if setting.default is None else setting.default
    parse = getattr(_environment, PARSERS[setting.kind])
    if setting.validate is None:
        return parse(name, default)
    return parse(name, default, validate=setting.validate)
