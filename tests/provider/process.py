"""Starting the provider, and telling the Hub of one."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from pytest_django import Settings

from tests.demo_process import ROOT
from tests.provider.site import CLIENT_ID, CLIENT_SECRET


@contextmanager
def running_provider() -> Iterator[str]:
    """Run the provider, and give its issuer."""
    with (
        tempfile.TemporaryDirectory(prefix="auditlogs-provider-") as folder,
        subprocess.Popen(
            [sys.executable, "-m", "tests.provider.site", folder],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdout
        yield process.stdout.readline().strip()
        # It ends when its standard input does.
        process.communicate(timeout=30)


def trust(settings: Settings, issuer: str) -> None:
    """Set single sign-on up as the environment would."""
    # The Hub's own addresses are made of the settings as they were.
    import_module(settings.ROOT_URLCONF)
    settings.OIDC_ISSUER = issuer
    settings.OIDC_CLIENT_ID = CLIENT_ID
    settings.OIDC_CLIENT_SECRET = CLIENT_SECRET
    settings.ROOT_URLCONF = "tests.provider.urls"
