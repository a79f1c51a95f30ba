"""The diagram of an order's states and transitions, drawn from `auditlogs.explain.orders`."""

from dataclasses import dataclass

from auditlogs.explain.orders import STATES, TRANSITIONS, StateName

WIDTH, HEIGHT = 132, 40
# The upper row has the states with successors, the lower one the final states.
COLUMNS = (1, 295, 589)
TOP, BOTTOM = 34, 158
POSITIONS: dict[StateName, tuple[int, int]] = {
    "created": (COLUMNS[0], TOP),
    "approved": (COLUMNS[1], TOP),
    "filled-in-part": (COLUMNS[2], TOP),
    "rejected": (COLUMNS[0], BOTTOM),
    "filled": (COLUMNS[1], BOTTOM),
    "cancelled": (COLUMNS[2], BOTTOM),
}
# The distance of two arrows at the same side of a box, and how far they curve.
GAP, BEND = 30, 44
LOOP = 30


@dataclass(frozen=True, slots=True)
class Node:
    """A state's box: (x, y) is its upper left corner."""

    name: StateName
    label: str
    x: int
    y: int

    @property
    def middle(self) -> tuple[int, int]:
        return self.x + WIDTH // 2, self.y + HEIGHT // 2


def nodes() -> list[Node]:
    """Return the box of each state."""
    return [Node(name, STATES[name].label, *corner) for name, corner in POSITIONS.items()]


def arrows() -> list[str]:
    """Return the SVG path data of each transition."""
    return [_path(state, after) for state, following in TRANSITIONS.items() for after in following]


def _path(state: StateName, after: StateName) -> str:
    (x, y), (to_x, to_y) = POSITIONS[state], POSITIONS[after]
    if state == after:
        left, right = x + WIDTH // 2 - LOOP, x + WIDTH // 2 + LOOP
        return f"M{left} {y}C{left} {y - LOOP} {right} {y - LOOP} {right} {y - 2}"
    if y == to_y:
        return f"M{x + WIDTH} {y + HEIGHT // 2}H{to_x - 2}"
    outgoing = [each for each in TRANSITIONS[state] if POSITIONS[each][1] != y]
    incoming = [each for each in TRANSITIONS if after in TRANSITIONS[each]]
    from_x, end_x = _port(state, after, outgoing), _port(after, state, incoming)
    start, end = y + HEIGHT, to_y - 2
    return f"M{from_x} {start}C{from_x} {start + BEND} {end_x} {end - BEND} {end_x} {end}"


def _port(at: StateName, other: StateName, others: list[StateName]) -> int:
    """Return the x at which the arrow between two states meets the first one's box.

    Arrows are in the order of the states at their other ends, so that they do not cross.
    """
    in_order = sorted(others, key=lambda each: POSITIONS[each][0])
    offset = in_order.index(other) - (len(in_order) - 1) / 2
    return POSITIONS[at][0] + WIDTH // 2 + round(offset * GAP)
