"""Settings, from the environment; a running demo's own where the environment says nothing."""

from pathlib import Path

from environs import Env

from hub import checked
from hub.demo.state import FOLDER, load_state

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
# The environment is whole or the demo's is: the two are never mixed.
demo = None if env.str("SECRET_KEY", "") else load_state(FOLDER)

SECRET_KEY: str = demo.secret_key if demo else env.str("SECRET_KEY", "")
DEBUG = demo is None and env.bool("DEBUG", False)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])

MONGODB_URI: str = (
    demo.mongodb_uri if demo else env.str("MONGODB_URI", "mongodb://127.0.0.1:27017/auditlogs")
)
AUDITLOGS_RETENTION_DAYS: int = env.int("AUDITLOGS_RETENTION_DAYS", 30)
AUDITLOGS_SPOOL_DIR: str = (
    str(FOLDER / "spool") if demo else env.str("AUDITLOGS_SPOOL_DIR", str(BASE_DIR / "spool"))
)
AUDITLOGS_SPOOL_MAX_BYTES: int = env.int(
    "AUDITLOGS_SPOOL_MAX_BYTES", 1 << 30, validate=checked.size
)
AUDITLOGS_REDACT_NAMES: list[str] = env.list("AUDITLOGS_REDACT_NAMES", [])
AUDITLOGS_REDACT_PATTERNS: dict[str, str] = dict(
    env.json("AUDITLOGS_REDACT_PATTERNS", {}, validate=checked.patterns)
)
AUDITLOGS_API_RATE: str = env.str(
    "AUDITLOGS_API_RATE",
    "12000/minute;2000/10 second" if demo else "1200/minute;200/10 second",
    validate=checked.rate,
)

DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "hub.sqlite3"}
    if demo
    else env.dj_db_url("DATABASE_URL", f"sqlite:///{BASE_DIR / 'hub.sqlite3'}")
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_htmx",
    "auditlogs",
    "hub",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "auditlogs.middleware.AuditContextMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ]
        },
    }
]
ROOT_URLCONF = "hub.urls"
WSGI_APPLICATION = "hub.wsgi.application"
APPEND_SLASH = False

LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "logs"
LOGOUT_REDIRECT_URL = "sign_in"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
AUTHENTICATION_BACKENDS = [
    "hub.sso.backends.PasswordBackend",
    "hub.sso.backends.IdentityBackend",
    "hub.roles.PlaceBackend",
]
CSRF_FAILURE_VIEW = "hub.errors.csrf_failure"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
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
    }
}

OIDC_ISSUER: str = env.str("OIDC_ISSUER", "", validate=checked.issuer)
OIDC_CLIENT_ID: str = env.str("OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET: str = env.str("OIDC_CLIENT_SECRET", "")
checked.single_sign_on(
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
    "loggers": {"django": {}, "django.server": {"level": "INFO", "propagate": True}},
}
