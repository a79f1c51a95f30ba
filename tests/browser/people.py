"""Who sits before the browser."""

from django.conf import settings
from django.contrib.auth.models import User
from playwright.sync_api import BrowserContext

from tests.people import signed_in


def sign_in(context: BrowserContext, url: str, person: User) -> None:
    """Sign a person in without the form, which has tests of its own."""
    name = settings.SESSION_COOKIE_NAME
    value = signed_in(person).cookies[name].value
    context.add_cookies([{"name": name, "value": value, "url": url}])
