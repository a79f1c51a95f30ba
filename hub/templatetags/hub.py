"""Template tags and filters for values. None of them reads the database."""

import functools
import re
from collections.abc import Iterable
from datetime import datetime

from django import template
from django.template import Engine, Node, NodeList
from django.template.base import Parser, TextNode, Token
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from auditlogs.entry.times import format_rfc3339, now, parse_rfc3339
from auditlogs.query.values import escape
from hub.logs.columns import Column
from hub.logs.links import curl
from hub.logs.payload import StringPart
from hub.ui import icons, navigation, times

register = template.Library()

# Control characters but tab and line feed, marks and overrides of direction, and characters without
# a width (Unicode's categories Cc, Cf, Zl and Zp, but for the two joiners).
HIDDEN = re.compile(
    "([\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f])"
)


CODE = re.compile("`([^`]+)`")


@register.filter
def code_spans(text: str) -> SafeString:
    """Return a text of the API's description with its Markdown code spans as elements, escaped."""
    # Every second part is what stood between two backticks.
    parts = enumerate(CODE.split(text))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if n % 2 else part,) for n, part in parts)
    )


@register.simple_tag
def icon_sprite() -> SafeString:
    """Return the sprite; every page includes it once."""
    return mark_safe(icons.sprite())  # noqa: S308 – made from the icon package alone


@register.simple_tag
@functools.cache
def icon(name: str) -> SafeString:
    """Return an icon. It is hidden from screen readers, so it needs a word beside it."""
    if name not in icons.ICONS:
        raise ValueError(f"no icon {name}")
    return format_html(
        '<svg class="icon icon-{}" aria-hidden="true"><use href="#icon-{}"/></svg>', name, name
    )


@register.simple_tag(takes_context=True)
def navigation_links(context: template.Context) -> list[navigation.Link]:
    """Return the links of the navigation for the current request."""
    return navigation.links(context["request"])


@register.simple_tag(takes_context=True)
def entry_curl(context: template.Context, entry_id: str) -> str:
    """Return a command that reads an entry from the API."""
    return curl(context["request"].build_absolute_uri(reverse("api_entry", args=[entry_id])))


@register.filter
def filter_value(value: str) -> str:
    """Return a value as the text of a filter that keeps it alone."""
    return escape(value)


@register.simple_tag
def moment(instant: datetime) -> SafeString:
    """Show a time as "3 minutes ago" or as a date, in full in its tooltip."""
    return format_html(
        '<time datetime="{}" data-time="short" title="{}">{}</time>',
        format_rfc3339(instant),
        times.full_time(instant),
        times.short_time(instant, now()),
    )


class CellsNode(Node):
    """The cells of a row, one for each column of the list: pieces of template that are put together
    once.

    An `{% include %}` for each of a page's 350 cells takes longer than the rest of the page.
    """

    @functools.cache  # noqa: B019 - a template holds one node, for as long as the process runs
    def _cell(self, column: Column) -> NodeList:
        start = format_html('<td role="cell" class="{}">', column.classes)
        cell = Engine.get_default().get_template(column.cell).nodelist
        return NodeList([TextNode(start), *cell, TextNode("</td>")])

    def render(self, context: template.Context) -> SafeString:
        parts = (self._cell(column).render(context) for column in context["listing"].columns)
        return SafeString("".join(parts))


@register.tag
def cells(_parser: Parser, _token: Token) -> CellsNode:
    """Show the cells of the `row` in the context, one for each column of the `listing`."""
    return CellsNode()


@register.filter
def visible(text: str) -> SafeString:
    """Show a text from a payload: isolated from what is around it, and each character that cannot
    be seen or changes the direction of others as its code point.

    White space stays as it is; so do the joiners of emoji and of Persian and Indic words.
    """
    parts = HIDDEN.split(text)
    marked = format_html_join(
        "",
        "{}",
        (
            (format_html('<span class="hidden-mark">{}</span>', f"U+{ord(part):04X}"),)
            if number % 2
            else (part,)
            for number, part in enumerate(parts)
        ),
    )
    return format_html("<bdi>{}</bdi>", marked)


@register.simple_tag
def quoted(parts: Iterable[StringPart]) -> SafeString:
    """Show a string of a payload in quotes, secrets that were replaced in it as marks."""
    # Not a template: the white space of a string is shown as it is, so none may be added.
    inside = format_html_join(
        "",
        "{}",
        (
            (format_html('<span class="redacted">redacted · {}</span>', part.rule),)
            if part.rule
            else (visible(part.text),)
            for part in parts
        ),
    )
    return format_html('"{}"', inside)


@register.simple_tag
def moment_in_full(instant: datetime) -> SafeString:
    """Show a time to the minute in the reader's zone, to the millisecond in UTC without scripts."""
    return format_html(
        '<time datetime="{}" data-time="date">{}</time>',
        format_rfc3339(instant),
        times.full_time(instant),
    )


@register.filter
def rfc3339(instant: datetime) -> str:
    """Return "2026-11-23T14:02:11.384Z"."""
    return format_rfc3339(instant)


@register.filter
def utc(instant: datetime) -> str:
    """Return "2026-11-23 14:02:11.384 UTC"."""
    return times.full_time(instant)


@register.filter
def local_input(text: str | None) -> str:
    """Return an RFC 3339 time as `<input type="datetime-local">` takes it, in UTC.

    An invalid text becomes an empty field; the message beside it says why.
    """
    try:
        return format_rfc3339(parse_rfc3339(text or "")).removesuffix("Z").removesuffix(".000")
    except ValueError:
        return ""


@register.filter
def clock(instant: datetime) -> str:
    """Return "14:02:11 UTC"."""
    return times.clock_time(instant)


@register.filter
def thousands(number: int) -> str:
    """Return "10,000"."""
    return f"{number:,}"


@register.filter
def duration(milliseconds: float) -> str:
    """Return a duration as "71.25 ms" up to ten seconds, then "12.3 s", "3 min 20 s",
    "27 h 26 min" and, from two days on, "3 d 4 h"."""
    if milliseconds < 10_000:
        return f"{milliseconds:,.3f}".rstrip("0").rstrip(".") + " ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    seconds = int(milliseconds // 1000)
    if seconds < 3_600:
        return f"{seconds // 60} min {seconds % 60} s"
    if seconds < 48 * 3_600:
        return f"{seconds // 3_600} h {seconds % 3_600 // 60} min"
    return f"{seconds // 86_400:,} d {seconds % 86_400 // 3_600} h"
