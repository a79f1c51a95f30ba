"""Django's settings. Each value from the environment is declared in hub/startup/environment.py."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from hub.startup import validators
from hub.startup.environment import read

_ROOT = Path(__file__).resolve().parent.parent
IS_CHECKOUT = (_ROOT / "manage.py").is_file()
# A checkout has `templates` and `static` beside the packages, and keeps its data there. A wheel has
# them inside `hub`, where Django finds an app's files, and keeps its data in the current folder.
BASE_DIR = _ROOT if IS_CHECKOUT else Path.cwd()

SECRET_KEY: str = read("SECRET_KEY")
# Signatures made with a former key are still accepted.
SECRET_KEY_FALLBACKS: list[str] = read("SECRET_KEY_FALLBACKS")
DEBUG: bool = read("DEBUG")
ALLOWED_HOSTS: list[str] = read("ALLOWED_HOSTS")
HTTPS: bool = read("HTTPS")
PROXY_HOPS: int = read("PROXY_HOPS")

MONGODB_URI: str = read("MONGODB_URI")
AUDITLOGS_RETENTION_DAYS: int = read("AUDITLOGS_RETENTION_DAYS")
AUDITLOGS_SPOOL_DIR: str = read("AUDITLOGS_SPOOL_DIR", str(BASE_DIR / "spool"))
AUDITLOGS_SPOOL_MAX_BYTES: int = read("AUDITLOGS_SPOOL_MAX_BYTES")
AUDITLOGS_REDACT_NAMES: list[str] = read("AUDITLOGS_REDACT_NAMES")
AUDITLOGS_REDACT_PATTERNS: dict[str, str] = dict(read("AUDITLOGS_REDACT_PATTERNS"))
AUDITLOGS_TOOL_SCOPES: str = read("AUDITLOGS_TOOL_SCOPES")
AUDITLOGS_API_RATE: str = read("AUDITLOGS_API_RATE")
AUDITLOGS_METRICS_NETWORKS: list[str] = read("AUDITLOGS_METRICS_NETWORKS")
AUDITLOGS_TRACE_URL: str = read("AUDITLOGS_TRACE_URL")
AUDITLOGS_TRACE_RETENTION_HOURS: int = read("AUDITLOGS_TRACE_RETENTION_HOURS")

SIGN_IN_RATE: str = read("SIGN_IN_RATE")
SESSION_IDLE_MINUTES: int = read("SESSION_IDLE_MINUTES")

DATABASES: dict[str, dict[str, Any]] = {
    "default": read("DATABASE_URL", f"sqlite:///{BASE_DIR / 'hub.sqlite3'}")
}
# To open a connection takes longer than what most requests ask of it. One that was closed meanwhile
# is noticed before its first use in a request.
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A deferred transaction that reads first fails with SQLITE_BUSY when it wants to write while
    # another one writes; an immediate one waits for its turn.
    DATABASES["default"].setdefault("OPTIONS", {})["transaction_mode"] = "IMMEDIATE"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "django_htmx",
    "auditlogs",
    "hub",
]
MIDDLEWARE = [
    "hub.middleware.proxies.ProxyMiddleware",
    # Before the middleware that can answer by itself, so that every response gets the headers.
    "hub.middleware.headers.HeadersMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    # Files need nothing that is scarce.
    "hub.middleware.overload.OverloadMiddleware",
    "auditlogs.api.timing.ServerTimingMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "auditlogs.middleware.AuditContextMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "hub.middleware.cross_site.CrossSiteMiddleware",
    "hub.middleware.idle.IdleMiddleware",
    "hub.middleware.methods.MethodMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"] if IS_CHECKOUT else [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "hub.urls"
WSGI_APPLICATION = "hub.wsgi.application"
APPEND_SLASH = False
# In the session, not in a cookie: messages name keys and people.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign_in"

# Browsers accept a `__Host-` cookie only over HTTPS and without a Domain, so that no subdomain can
# set one (RFC 6265bis, section 4.1.3.2).
_HOST = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_HOST}sessionid", f"{_HOST}csrftoken"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "hub.sign_in.sso.backends.PasswordBackend",
    "hub.sign_in.sso.backends.IdentityBackend",
    "hub.access.roles.RoleBackend",
]
# New passwords use the first hasher; a hash of another one is replaced at the next sign-in.
PASSWORD_HASHERS = [
    "hub.sign_in.hashers.BoundedArgon2PasswordHasher",
    *(
        f"django.contrib.auth.hashers.{name}PasswordHasher"
        for name in ("PBKDF2", "PBKDF2SHA1", "Scrypt")
    ),
]
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60
CSRF_FAILURE_VIEW = "hub.errors.csrf_failure"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Five failures lock a user name out from one address. Further attempts do not extend the lock-out,
# or a stranger could keep a person out forever. hub/sign_in/lockout.py keeps what was typed from
# being stored.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_USERNAME_CALLABLE = "hub.sign_in.lockout.username_digest"
AXES_CLIENT_IP_CALLABLE = "hub.sign_in.lockout.client_network"

SECURE_SSL_REDIRECT = HTTPS
# Readiness probes call the process directly by HTTP, past the proxy that ends TLS.
SECURE_REDIRECT_EXEMPT = [r"^readyz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PROXY_HOPS else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = [
    # `preload` lets anyone submit the whole domain to the list built into browsers, which is hard
    # to leave again. That is for the domain's owner to decide.
    "security.W021",
    # The sign-in page reports a lock-out itself, so axes' middleware is not installed.
    "axes.W002",
]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"] if IS_CHECKOUT else []
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "hub.ui.assets.ModuleStorage"},
}

OIDC_ISSUER: str = read("OIDC_ISSUER")
OIDC_CLIENT_ID: str = read("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET: str = read("OIDC_CLIENT_SECRET")
validators.single_sign_on(
    OIDC_ISSUER=OIDC_ISSUER, OIDC_CLIENT_ID=OIDC_CLIENT_ID, OIDC_CLIENT_SECRET=OIDC_CLIENT_SECRET
)

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "lines": {
            "()": "auditlogs.process_log.JsonLines",
            "names": AUDITLOGS_REDACT_NAMES,
            "patterns": AUDITLOGS_REDACT_PATTERNS,
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    # Replaces the handlers that Django installs by default, which do not redact.
    "loggers": {
        "django": {},
        "django.server": {"level": "INFO", "propagate": True},
        # Its warnings about sign-ins are entries of the audit log already.
        "axes": {"level": "ERROR"},
        # How far the first count of a log has come.
        "auditlogs.counters": {"level": "INFO"},
    },
}
