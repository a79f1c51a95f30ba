"""Check the files that `export` has written."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditlogs.export.compression import NotInstalled
from auditlogs.export.verifying import verify


class Command(BaseCommand):
    """Checks every manifest and names each file that is damaged, cut or missing; then its exit code
    is 1. It reads the folder alone, no database."""

    help = "Check files that export has written; name each one that is damaged, cut or missing."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER")

    def handle(self, *args: Any, **options: Any) -> None:
        files = entries = faults = 0
        try:
            for checked in verify(options["folder"]):
                files += 1
                entries += checked.count
                if checked.fault:
                    faults += 1
                    self.stdout.write(f"{checked.file} {checked.fault}")
        except (NotInstalled, OSError) as error:
            raise CommandError(str(error)) from error
        if not files:
            raise CommandError(f"No export was found in {options['folder']}.")
        if faults:
            raise CommandError(f"{faults:,} of {files:,} files are not as they were written.")
        self.stdout.write(f"{files:,} files with {entries:,} entries are as they were written.")
