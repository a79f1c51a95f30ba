#!/usr/bin/env python
"""Django's command line, with the Hub's settings."""

import sys

from django.core.management import execute_from_command_line

from hub.startup.start import begin

if __name__ == "__main__":
    begin()
    execute_from_command_line(sys.argv)
