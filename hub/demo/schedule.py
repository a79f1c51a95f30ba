"""When each story happens: every few days, so that the last seven days contain each of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from auditlogs.entry.schema import NewEntry
from hub.demo.decisions import (
    approved_on_phone,
    asked_in_between,
    limit_denied,
    new_version,
    other_arguments,
    sub_agent,
)
from hub.demo.people import guest, key_for_a_trial, key_rotated, kill_switch, staff_visit
from hub.demo.stories import circuit_breaker, filled_in_part, order_life, scope_refused, tool_error

Story = Callable[[Random, datetime], list[NewEntry]]


@dataclass(frozen=True, slots=True)
class Schedule:
    """A story happens every `every` days, at a time `between` two hours of the day (UTC)."""

    story: Story
    every: int
    offset: int
    between: tuple[float, float]

    def is_due(self, day: date) -> bool:
        return day.toordinal() % self.every == self.offset


def of_day(day: date, random: Random) -> list[list[NewEntry]]:
    """Return the stories that begin on a day (UTC), each as its entries."""
    midnight = datetime.combine(day, time(), tzinfo=UTC)
    return [
        each.story(random, midnight + timedelta(hours=random.uniform(*each.between)))
        for each in SCHEDULE
        if each.is_due(day)
    ]


SCHEDULE = (
    Schedule(scope_refused, every=1, offset=0, between=(1, 11)),
    Schedule(scope_refused, every=1, offset=0, between=(13, 23)),
    Schedule(circuit_breaker, every=2, offset=0, between=(5, 10)),
    Schedule(circuit_breaker, every=2, offset=1, between=(17, 22)),
    Schedule(key_rotated, every=2, offset=0, between=(7, 18)),
    Schedule(filled_in_part, every=1, offset=0, between=(0, 12)),
    Schedule(filled_in_part, every=1, offset=0, between=(12, 23.9)),
    Schedule(order_life, every=1, offset=0, between=(7, 13)),
    Schedule(order_life, every=1, offset=0, between=(13, 20)),
    Schedule(kill_switch, every=2, offset=1, between=(8, 19)),
    Schedule(tool_error, every=1, offset=0, between=(0, 23.9)),
    Schedule(key_for_a_trial, every=3, offset=0, between=(8, 15)),
    Schedule(guest, every=3, offset=1, between=(9, 15)),
    Schedule(staff_visit, every=3, offset=2, between=(9, 17)),
    Schedule(limit_denied, every=1, offset=0, between=(6, 22)),
    Schedule(approved_on_phone, every=2, offset=0, between=(6, 21)),
    Schedule(other_arguments, every=4, offset=3, between=(8, 20)),
    Schedule(sub_agent, every=1, offset=0, between=(2, 22)),
    Schedule(new_version, every=4, offset=1, between=(9, 18)),
    Schedule(asked_in_between, every=2, offset=1, between=(7, 20)),
)
