"""The picture of an order's life: every state and what may follow it, drawn from the one table."""

from dataclasses import dataclass

from auditlogs.explain.orders import STATES, TRANSITIONS, StateName

WIDTH, HEIGHT = 132, 40
# Where states stand: those that something follows above, the others below.
COLUMNS = (1, 295, 589)
TOP, BOTTOM = 34, 158
PLACES: dict[StateName, tuple[int, int]] = {
    "created": (COLUMNS[0], TOP),
    "approved": (COLUMNS[1], TOP),
    "filled-in-part": (COLUMNS[2], TOP),
    "rejected": (COLUMNS[0], BOTTOM),
    "filled": (COLUMNS[1], BOTTOM),
    "cancelled": (COLUMNS[2], BOTTOM),
}
# Between two arrows at the same side of a state, and how far they bend.
GAP, BEND = 30, 44
LOOP = 30


@dataclass(frozen=True, slots=True)
class Node:
    """A state as a box: its corner, and where its label stands."""

    name: StateName
    label: str
    x: int
    y: int

    @property
    def middle(self) -> tuple[int, int]:
        """Where the label stands."""
        return self.x + WIDTH // 2, self.y + HEIGHT // 2


def nodes() -> list[Node]:
    """Return every state as a box."""
    return [Node(name, STATES[name].label, *place) for name, place in PLACES.items()]


def arrows() -> list[str]:
    """Return the path of each transition, as SVG writes paths."""
    return [_path(state, after) for state, follow in TRANSITIONS.items() for after in follow]


def _path(state: StateName, after: StateName) -> str:
    (x, y), (to_x, to_y) = PLACES[state], PLACES[after]
    if state == after:
        left, right = x + WIDTH // 2 - LOOP, x + WIDTH // 2 + LOOP
        return f"M{left} {y}C{left} {y - LOOP} {right} {y - LOOP} {right} {y - 2}"
    if y == to_y:
        return f"M{x + WIDTH} {y + HEIGHT // 2}H{to_x - 2}"
    leaving = [each for each in TRANSITIONS[state] if PLACES[each][1] != y]
    coming = [each for each in TRANSITIONS if after in TRANSITIONS[each]]
    from_x, end_x = _port(state, after, leaving), _port(after, state, coming)
    start, end = y + HEIGHT, to_y - 2
    return f"M{from_x} {start}C{from_x} {start + BEND} {end_x} {end - BEND} {end_x} {end}"


def _port(at: StateName, other: StateName, others: list[StateName]) -> int:
    """Return where at a state's side an arrow begins or ends: as the states beyond stand."""
    in_order = sorted(others, key=lambda each: PLACES[each][0])
    offset = in_order.index(other) - (len(in_order) - 1) / 2
    return PLACES[at][0] + WIDTH // 2 + round(offset * GAP)
