"""A piece of work: its entries, which share one correlation ID."""

import hashlib
import math
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from auditlogs.entry.schema import NewEntry, Result, Target
from auditlogs.entry.times import from_ms, to_ms
from auditlogs.recording.recorder import new_entry
from hub.demo.cast import Agent, Player

# How far durations vary: those of work, and those of requests that time out.
SPREAD = 0.45
TIMEOUT_SPREAD = 0.0004


@dataclass(slots=True)
class Work:
    """Collects entries while its clock `at` advances."""

    random: Random
    at: datetime
    entries: list[NewEntry] = field(default_factory=list)
    correlation_id: str = field(init=False)
    request_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.correlation_id = str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        self.wait(0, 0)

    def wait(self, least: float, most: float) -> None:
        """Advance the clock by some seconds and begin another request."""
        self.at += timedelta(seconds=self.random.uniform(least, most))
        self.request_id = f"req_{self.hex(16)}"

    def note(
        self,
        who: Player,
        action: str,
        result: Result = "success",
        *,
        target: Target | None = None,
        took: float | None = None,
        spread: float = SPREAD,
        about: Agent | None = None,
        in_session: bool = True,
        source_ip: str | None = None,
        payload: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        """Add an entry. Payload fields that are None are left out; `more` are other fields.

        `took` is the typical duration in milliseconds and `spread` how far it varies: the standard
        deviation of its logarithm. `about` is the agent whose bot the
        entry is about, if that is not the actor.
        """
        bot = about or (who if isinstance(who, Agent) else None)
        duration = took and round(self.random.lognormvariate(math.log(took), spread), 1)
        self.at += timedelta(milliseconds=(duration or 0) + self.random.randint(2, 40))
        fields = {
            "action": action,
            "actor": who.actor,
            "result": result,
            "timestamp": from_ms(to_ms(self.at)),
            "target": target,
            "duration": duration,
            "correlation_id": self.correlation_id,
            "request_id": self.request_id,
            "session_id": self._session(who) if in_session else None,
            "source_ip": source_ip or self._source_ip(who),
            "bot_id": bot and bot.bot_id,
            "payload": payload and {k: v for k, v in payload.items() if v is not None},
            **self._identity(who, is_signed_in=in_session),
            **more,
        }
        self.entries.append(new_entry(fields))

    def note_bare(self, who: Player, action: str, result: Result = "success") -> None:
        """Add an entry with required fields only."""
        fields = {"action": action, "actor": who.actor, "result": result}
        self.entries.append(new_entry({**fields, "timestamp": from_ms(to_ms(self.at))}))

    def hex(self, digits: int) -> str:
        return f"{self.random.getrandbits(4 * digits):0{digits}x}"

    def _identity(self, who: Player, *, is_signed_in: bool) -> dict[str, Any]:
        """Return how an actor was identified, and in which run of its program an agent acts."""
        if not isinstance(who, Agent):
            return {"authentication": "session"} if who.type == "user" and is_signed_in else {}
        return {
            "authentication": "key",
            "agent": {"version": who.version, "model": who.model},
            "run_id": f"run_{self.correlation_id[:8]}",
        }

    def _session(self, who: Player) -> str | None:
        """Return the ID of the actor's session of the day; the platform has none."""
        if who.type == "system":
            return None
        digest = hashlib.sha256(f"{who.id} {self.at:%Y-%m-%d}".encode()).hexdigest()
        return f"sess_{digest[:16]}"

    def _source_ip(self, who: Player) -> str | None:
        """Return the actor's address of the day; the platform has none."""
        if not who.source_ips:
            return None
        return who.source_ips[self.at.toordinal() % len(who.source_ips)]
