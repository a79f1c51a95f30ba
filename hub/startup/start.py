"""How a program of the Hub starts: with settings that are right, or not at all."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from environs import EnvError, EnvValidationError

from auditlogs import process_log
from hub.startup.environment import SECRET_KEY_IS

# As gunicorn calls it when a worker cannot boot: with another code it would start the next one.
REFUSED = 3


def begin() -> None:
    """Load the settings, or end the process with one line that says what is wrong with them."""
    process_log.install_hooks()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
    try:
        assert settings.SECRET_KEY
    except EnvValidationError as error:
        # What it was is for nobody to read.
        said = str(error).partition(": ")[0]
        _refuse(f"{said}: {'; '.join(map(str, error.error_messages))}")
    except EnvError as error:
        _refuse(str(error))
    except ImproperlyConfigured:
        _refuse(f'Environment variable "SECRET_KEY" not set: {SECRET_KEY_IS}')


def _refuse(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.exit(REFUSED)
