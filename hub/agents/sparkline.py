"""Charts of columns, drawn on the server as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

STEP, COLUMN, HEIGHT = 4, 3, 24
# The scale reaches at least this far, so that a single failure does not look like a peak.
LEAST_SCALE = 4
# Lower columns could not be seen.
LEAST_HEIGHT = 2.0


@dataclass(frozen=True, slots=True)
class AgentChartBar:
    """A column of a larger chart, in hundredths of its height; the chart has 10 units for each."""

    x: int
    y: float
    height: float
    label: str
    value: int


def sparkline(values: Sequence[int], label: str) -> SafeString:
    """Return the values as columns on a ground line, one path in all."""
    width = STEP * len(values)
    columns = "".join(
        f"M{STEP * place + COLUMN / 2:g} {HEIGHT - 1}v-{height:g}"
        for place, height in enumerate(_heights(values, HEIGHT - 2))
        if height
    )
    return format_html(
        '<svg class="sparkline" role="img" aria-label="{}" width="{}" height="{}" '
        'viewBox="0 0 {} {}" preserveAspectRatio="none" fill="none">'
        '<path class="sparkline-ground" d="M0 {}h{}"/>'
        '<path d="{}" stroke="currentColor" stroke-width="{}"/></svg>',
        *(label, width, HEIGHT, width, HEIGHT, HEIGHT - 0.5, width, columns, COLUMN),
    )


def columns(values: Sequence[tuple[str, int]]) -> list[AgentChartBar]:
    """Return the columns of a chart of labelled values."""
    heights = _heights([value for _, value in values], 100)
    return [
        AgentChartBar(10 * place, round(100 - height, 1), height, label, value)
        for place, (height, (label, value)) in enumerate(zip(heights, values, strict=True))
    ]


def _heights(values: Sequence[int], full: int) -> list[float]:
    scale = max(LEAST_SCALE, *values)
    least = LEAST_HEIGHT * full / (HEIGHT - 2)
    return [round(max(least, value * full / scale), 1) if value else 0.0 for value in values]
