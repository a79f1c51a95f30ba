"""Show or drain the spool, and look after its dead letters."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from auditlogs.accounts import dead_letters
from auditlogs.accounts.dead_letters import LetterRefused, spooled_at
from auditlogs.accounts.self_audit import COMMAND_LINE
from auditlogs.storage.mongo import StorageError
from auditlogs.worker import drain_now
from auditlogs.write.spool import DeadLetter, spool
from auditlogs.write.spool_file import SpoolError

DRAIN_SECONDS = 600.0
ON_A_LETTER = ("show", "resend", "drop")


class Command(BaseCommand):
    """Shows how many entries wait in this host's spool, stores them now, or shows, sends again or
    drops one that the log rejected."""

    help = (
        "Show the state of this host's spool (status), or store its entries now (drain). "
        "Show an entry that the log rejected (show ID), send it again (resend ID), or delete it "
        "(drop ID)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["status", "drain", *ON_A_LETTER])
        parser.add_argument("id", nargs="?", metavar="ID", help="a dead letter's id")
        parser.add_argument("--yes", action="store_true", help="drop without asking")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["id"]) != (options["action"] in ON_A_LETTER):
            raise CommandError(f"An ID is needed with {', '.join(ON_A_LETTER)}, and only there.")
        try:
            if options["id"]:
                self._look_after(options)
                return
            if options["action"] == "drain":
                moved = drain_now(spool(), DRAIN_SECONDS)
                self.stdout.write(f"Left the spool: {moved:,}")
            self._status()
        except BlockingIOError as error:
            raise CommandError("A worker is already draining the spool.") from error
        except (SpoolError, StorageError, LetterRefused) as error:
            raise CommandError(str(error)) from error

    def _look_after(self, options: dict[str, Any]) -> None:
        letter = spool().dead_letter(options["id"])
        if letter is None:
            raise CommandError(f"This host's spool has no dead letter {options['id']}.")
        if options["action"] == "resend":
            dead_letters.resend(letter, COMMAND_LINE)
            self.stdout.write(f"{letter.id} waits to be stored again.")
            return
        self._show(letter)
        if options["action"] == "drop":
            if not options["yes"] and input("Delete it for good? [y/N] ").lower() != "y":
                raise CommandError("Nothing was deleted.")
            dead_letters.drop(letter, COMMAND_LINE)
            self.stdout.write(f"{letter.id} was deleted.")

    def _show(self, letter: DeadLetter) -> None:
        self._summary(letter)
        self.stdout.write(letter.body.decode(errors="replace"))

    def _status(self) -> None:
        host_spool = spool()
        depth = host_spool.depth()
        self.stdout.write(f"Waiting: {depth.waiting:,}")
        self.stdout.write(f"Oldest: {depth.oldest_seconds:.0f} s")
        self.stdout.write(f"Dead letters: {depth.dead:,}")
        self.stdout.write(f"Size: {host_spool.file.size():,} of {host_spool.max_bytes:,} bytes")
        if lost := host_spool.file.losses.total():
            path = host_spool.file.losses.path
            self.stdout.write(f"Lost: {lost:,} (until you delete {path})")
        self.stdout.write(f"Breaker: {host_spool.breaker.state}")
        for letter in host_spool.dead_letters():
            self._summary(letter)

    def _summary(self, letter: DeadLetter) -> None:
        self.stdout.write(f"  {spooled_at(letter)} {letter.id} ({letter.account}): {letter.reason}")
