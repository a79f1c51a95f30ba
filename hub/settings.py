"""Settings, from the environment; a running demo's own where the environment says nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from environs import Env

from hub.demo.state import FOLDER, load_state
from hub.startup import environment

_ROOT = Path(__file__).resolve().parent.parent
IS_CHECKOUT = (_ROOT / "manage.py").is_file()
# A checkout has `templates` and `static` beside the packages, and keeps its data there. A wheel has
# them inside `hub`, where Django finds an app's files, and keeps its data in the current folder.
BASE_DIR = _ROOT if IS_CHECKOUT else Path.cwd()

env = Env()
# The environment is whole or the demo's is: the two are never mixed.
demo = None if env.str("SECRET_KEY", "") else load_state(FOLDER)

SECRET_KEY: str = (
    demo.secret_key if demo else env.str("SECRET_KEY", "", validate=environment.secret_key)
)
DEBUG = demo is None and env.bool("DEBUG", False, validate=environment.off)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
HTTPS = demo is None and env.bool("HTTPS", True)
PROXY_HOPS: int = env.int("PROXY_HOPS", 0, validate=environment.hops)
# They stand for the key in whatever it signed before it was changed.
SECRET_KEY_FALLBACKS: list[str] = env.list(
    "SECRET_KEY_FALLBACKS", [], validate=environment.secret_keys
)

MONGODB_URI: str = (
    demo.mongodb_uri
    if demo
    else env.str(
        "MONGODB_URI", "mongodb://127.0.0.1:27017/auditlogs", validate=environment.mongodb_uri
    )
)
AUDITLOGS_RETENTION_DAYS: int = env.int(
    "AUDITLOGS_RETENTION_DAYS", 30, validate=environment.retention
)
AUDITLOGS_SPOOL_DIR: str = (
    str(FOLDER / "spool") if demo else env.str("AUDITLOGS_SPOOL_DIR", str(BASE_DIR / "spool"))
)
AUDITLOGS_SPOOL_MAX_BYTES: int = env.int(
    "AUDITLOGS_SPOOL_MAX_BYTES", 1 << 30, validate=environment.size
)
AUDITLOGS_REDACT_NAMES: list[str] = env.list("AUDITLOGS_REDACT_NAMES", [])
AUDITLOGS_REDACT_PATTERNS: dict[str, str] = dict(
    env.json("AUDITLOGS_REDACT_PATTERNS", {}, validate=environment.patterns)
)
AUDITLOGS_API_RATE: str = env.str(
    "AUDITLOGS_API_RATE",
    "12000/minute;2000/10 second" if demo else "1200/minute;200/10 second",
    validate=environment.rate,
)

SIGN_IN_RATE: str = env.str(
    "SIGN_IN_RATE", "300/minute" if demo else "30/minute", validate=environment.rate
)
SESSION_IDLE_MINUTES: int = env.int("SESSION_IDLE_MINUTES", 120, validate=environment.idle_minutes)

DATABASES: dict[str, dict[str, Any]] = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "hub.sqlite3"}
    if demo
    else env.dj_db_url("DATABASE_URL", f"sqlite:///{BASE_DIR / 'hub.sqlite3'}")
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Who reads first and writes then would be refused, not made to wait, where another does too.
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
    # Outside of whatever answers by itself: every answer has the headers.
    "hub.middleware.headers.HeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
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
# What a page says after it has changed something, once.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "logs"
LOGOUT_REDIRECT_URL = "sign_in"

# A browser takes a cookie of such a name only if it is secure and of this very host.
_HOST = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_HOST}sessionid", f"{_HOST}csrftoken"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "hub.sign_in.sso.backends.PasswordBackend",
    "hub.sign_in.sso.backends.IdentityBackend",
    "hub.access.roles.PlaceBackend",
]
# The first one hashes; what another one hashed is hashed anew at the next sign-in.
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

# Five failures of a user name and an address together; a lock is not drawn out by trying on.
# Nothing that was typed is kept: see hub/sign_in/lockout.py.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_USERNAME_CALLABLE = "hub.sign_in.lockout.name_of"
AXES_CLIENT_IP_CALLABLE = "hub.sign_in.lockout.address_of"

SECURE_SSL_REDIRECT = HTTPS
# Whoever asks whether the program is ready asks it, not the proxy.
SECURE_REDIRECT_EXEMPT = [r"^readyz$"]
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PROXY_HOPS else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = [
    # With `preload`, anyone can have the whole domain put on the lists that browsers are shipped
    # with, from where it is hard to remove. That is for the domain's owner to decide.
    "security.W021",
    # What axes' middleware would answer, the sign-in page says itself, and in its own words.
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

# Everything comes from here, nothing is inline. Forms and frames too.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        # Made by static/js/trusted.js.
        "trusted-types": ["default"],
    }
}

OIDC_ISSUER: str = env.str("OIDC_ISSUER", "", validate=environment.issuer)
OIDC_CLIENT_ID: str = env.str("OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET: str = env.str("OIDC_CLIENT_SECRET", "")
environment.single_sign_on(
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
    # Instead of the handlers that Django gives them.
    "loggers": {
        "django": {},
        "django.server": {"level": "INFO", "propagate": True},
        # What axes tells of each sign-in is an entry of the log.
        "axes": {"level": "ERROR"},
    },
}
