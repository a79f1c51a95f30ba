"""The media type of a response, by the request's `Accept` (RFC 9110, section 12.5.1).

Django's own `get_preferred_type` drops the types with a quality of 0 before it compares, so that
`text/csv;q=0, */*` would bring CSV; and it refuses `text/csv; charset=utf-8`.
"""

from collections.abc import Sequence

from django.utils.http import parse_header_parameters


def preferred(accept: str, offered: Sequence[str]) -> str | None:
    """Return the offered media type that a request prefers, None if it accepts none of them.

    Of those with the same quality it is one that is named over one that a wildcard matches, and
    then the first offered. Without a header any will do.
    """
    ranges = [_range(each) for each in accept.split(",") if each.strip()]
    if not ranges:
        return offered[0]
    best: tuple[float, int] = (0.0, 0)
    chosen = None
    for media_type in offered:
        quality, specificity = _quality(media_type, ranges)
        if quality > 0 and (quality, specificity) > best:
            best, chosen = (quality, specificity), media_type
    return chosen


def by_preference(accept: str) -> str:
    """Return the header without the ranges that it refuses, the preferred first."""
    ranges = [each.strip() for each in accept.split(",") if each.strip()]
    wanted = [each for each in ranges if _range(each)[1] > 0]
    return ", ".join(sorted(wanted, key=lambda each: -_range(each)[1]))


def _range(text: str) -> tuple[str, float]:
    """Return a media range and its quality. Parameters other than `q` are ignored."""
    name, parameters = parse_header_parameters(text.strip())
    try:
        quality = float(parameters.get("q", "1"))
    except ValueError:
        quality = 1.0
    return name.lower(), quality if 0 <= quality <= 1 else 1.0


def _quality(media_type: str, ranges: Sequence[tuple[str, float]]) -> tuple[float, int]:
    """Return the quality that the most specific range gives to a media type, and how specific it
    is."""
    for specificity, name in (
        (3, media_type),
        (2, f"{media_type.partition('/')[0]}/*"),
        (1, "*/*"),
    ):
        qualities = [quality for each, quality in ranges if each == name]
        if qualities:
            return max(qualities), specificity
    return 0.0, 0
