"""A real OpenID provider: django-oauth-toolkit, in a process and a folder of its own.

`python -m tests.provider.site FOLDER` prepares it, prints its address, and serves it until its
standard input is closed. Its people have their user names as passwords.
"""

import sys
import threading
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.management import call_command
from django.urls import include, path

CLIENT_ID = "the-hub"
CLIENT_SECRET = "a secret between the Hub and its provider"
# Each person's address, and whether the provider has verified it.
PEOPLE = {
    "ada": ("ada@example.org", True),
    "mallory": ("ada@example.org", False),
    "stranger": ("stranger@example.org", True),
}
CALLBACKS = ("http://testserver/hub/sso/callback", "http://127.0.0.1/hub/sso/callback")
APPS = ["auth", "contenttypes", "sessions", "oauth2_provider"]


def configure(folder: Path) -> None:
    """Set Django up as the provider."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    settings.configure(
        SECRET_KEY="a key of the tests' provider, which guards nothing at all",
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "provider.sqlite3"}
        },
        INSTALLED_APPS=[
            *(f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions")),
            "oauth2_provider",
        ],
        # The tables are made as they are, without their history.
        MIGRATION_MODULES=dict.fromkeys(APPS),
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [Path(__file__).parent / "templates"],
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                    ]
                },
            }
        ],
        ROOT_URLCONF="tests.provider.site",
        LOGIN_URL="/sign-in",
        # A name that no cookie of the Hub has: a browser does not tell ports apart.
        SESSION_COOKIE_NAME="provider_session",
        CSRF_COOKIE_NAME="provider_csrf",
        USE_TZ=True,
        OAUTH2_PROVIDER={
            "OIDC_ENABLED": True,
            "OIDC_RSA_PRIVATE_KEY": text.decode(),
            "OAUTH2_VALIDATOR_CLASS": "tests.provider.claims.Claims",
            "PKCE_REQUIRED": True,
            "SCOPES": {"openid": "openid", "email": "email", "profile": "profile"},
        },
    )
    django.setup()


def fill() -> None:
    """Make the tables, the people, and the Hub as a client."""
    call_command("migrate", run_syncdb=True, verbosity=0)

    from django.contrib.auth.models import User
    from oauth2_provider.models import Application

    for name, (email, _) in PEOPLE.items():
        User.objects.create_user(name, email, password=name)
    Application.objects.create(
        name="The Hub",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=" ".join(CALLBACKS),
        skip_authorization=True,
        algorithm=Application.RS256_ALGORITHM,
    )


def patterns() -> list[Any]:
    """Return the addresses: the sign-in page, and the library's."""
    from django.contrib.auth.views import LoginView

    sign_in = LoginView.as_view(template_name="sign_in.html")
    return [path("sign-in", sign_in), path("o/", include("oauth2_provider.urls"))]


def __getattr__(name: str) -> Any:
    # Django asks for the addresses once it is set up, which they need.
    if name == "urlpatterns":
        return patterns()
    raise AttributeError(name)


class Quiet(WSGIRequestHandler):
    """Leaves the requests unsaid."""

    def log_message(self, *args: object) -> None:
        pass


class Threads(WSGIServer):
    """Lets no idle connection of a browser keep others waiting."""

    def process_request(self, request: Any, client_address: Any) -> None:
        threading.Thread(target=self._answer, args=(request, client_address), daemon=True).start()

    def _answer(self, request: Any, client_address: Any) -> None:
        self.finish_request(request, client_address)
        self.shutdown_request(request)


def main() -> None:
    """Serve until nobody wants it any more."""
    configure(Path(sys.argv[1]))
    fill()

    from django.core.wsgi import get_wsgi_application

    server = make_server("127.0.0.1", 0, get_wsgi_application(), Threads, Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}/o\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
