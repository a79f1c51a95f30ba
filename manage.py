#!/usr/bin/env python
"""Django's command line, with the Hub's settings."""

import os
import sys

from django.core.management import execute_from_command_line

from auditlogs import process_log

if __name__ == "__main__":
    process_log.take_over()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hub.settings")
    execute_from_command_line(sys.argv)
