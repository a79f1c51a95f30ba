"""Starting a program of the Hub: with valid settings, or not at all."""

import os
import sys
from typing import NoReturn

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from environs import EnvError, EnvValidationError

from auditlogs import process_log
from hub.demo import environment as demo
from hub.startup.validators import SECRET_KEY_IS

# gunicorn's own code for a worker that cannot boot: with any other it restarts the worker forever.
CONFIGURATION_ERROR = 3


def begin() -> None:
    """Load the settings, or end the process with one line that says which of them is wrong.

    Without a SECRET_KEY, commands in a checkout use the environment of the demo, if there is one.
    """
    process_log.install_hooks()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
    try:
        # One environment or the other, never a mixture: a demo must not reach a deployment's data.
        if not os.environ.get("SECRET_KEY"):
            demo.load()
        assert settings.SECRET_KEY
    except demo.DamagedFile as error:
        _end(str(error))
    except EnvError as error:
        _end(describe(error))
    except ImproperlyConfigured:
        _end(f'Environment variable "SECRET_KEY" not set: {SECRET_KEY_IS}')


def describe(error: EnvError) -> str:
    """Return the line that names the setting and what was expected, without the rejected value."""
    if not isinstance(error, EnvValidationError):
        return str(error)
    # environs puts the rejected value after the colon, and it may be a secret.
    variable = str(error).partition(": ")[0]
    return f"{variable}: {'; '.join(map(str, error.error_messages))}"


def _end(line: str) -> NoReturn:
    sys.stderr.write(f"{line}\n")
    sys.exit(CONFIGURATION_ERROR)
