"""Times and spans as people say them. The browser keeps them going (static/js/page.js)."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

_UNITS = (
    ("year", 31_536_000),
    ("month", 2_592_000),
    ("day", 86_400),
    ("hour", 3600),
    ("minute", 60),
)


def in_words(seconds: float) -> str:
    """Return how long ago `seconds` is, in the largest unit that fits: "3 minutes ago"."""
    for unit, size in _UNITS:
        count = int(seconds // size)
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now" if seconds < 5 else f"{int(seconds)} seconds ago"


def exact(value: datetime) -> str:
    """Return a moment to the second, in UTC, for a title."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@register.simple_tag
def ago(value: datetime | None, never: str = "never") -> SafeString | str:
    """A moment as a live "3 minutes ago" with the exact time as its title."""
    if value is None:
        return never
    seconds = max(0.0, (timezone.now() - value).total_seconds())
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>',
        value.isoformat(),
        exact(value),
        in_words(seconds),
    )


@register.simple_tag
def moment(value: datetime | None) -> SafeString | str:
    """A moment written out in UTC, for records and tables."""
    if value is None:
        return ""
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), exact(value))


@register.simple_tag
def running_since(value: datetime | None) -> SafeString | str:
    """Seconds since a moment; they count up in the browser."""
    if value is None:
        return ""
    seconds = max(0.0, (timezone.now() - value).total_seconds())
    return format_html(
        '<time datetime="{}" data-since>{}</time>', value.isoformat(), seconds_text(seconds)
    )


@register.simple_tag
def until(value: datetime | None) -> SafeString | str:
    """ "in 43 s" up to a moment; the seconds count down in the browser."""
    if value is None:
        return ""
    seconds = max(0.0, (value - timezone.now()).total_seconds())
    return format_html(
        'in <time datetime="{}" title="{}" data-until>{}</time>',
        value.isoformat(),
        exact(value),
        seconds_text(seconds),
    )


@register.filter
def seconds_text(value: float | None) -> str:
    """A span in seconds as "0.4 s", "12 s" or "2 min 5 s"; "" when unknown."""
    if value is None:
        return ""
    if value < 10:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
