"""Times and spans as people say them. The browser keeps them going (static/js/page.js)."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

register = template.Library()

_DAY, _HOUR, _MINUTE = 86_400, 3600, 60


def in_words(seconds: float) -> str:
    """Return how long ago `seconds` is, in the largest unit that fits: "3 minutes ago"."""
    whole = int(seconds)
    if whole >= 365 * _DAY:
        count = whole // (365 * _DAY)
        return ngettext("%(count)d year ago", "%(count)d years ago", count) % {"count": count}
    if whole >= 30 * _DAY:
        count = whole // (30 * _DAY)
        return ngettext("%(count)d month ago", "%(count)d months ago", count) % {"count": count}
    if whole >= _DAY:
        count = whole // _DAY
        return ngettext("%(count)d day ago", "%(count)d days ago", count) % {"count": count}
    if whole >= _HOUR:
        count = whole // _HOUR
        return ngettext("%(count)d hour ago", "%(count)d hours ago", count) % {"count": count}
    if whole >= _MINUTE:
        count = whole // _MINUTE
        return ngettext("%(count)d minute ago", "%(count)d minutes ago", count) % {"count": count}
    if whole < 5:
        return _("just now")
    return ngettext("%(count)d second ago", "%(count)d seconds ago", whole) % {"count": whole}


def exact(value: datetime) -> str:
    """Return a moment to the second, in UTC, for a title."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@register.simple_tag
def ago(value: datetime | None, never: str = "") -> SafeString | str:
    """A moment as a live "3 minutes ago" with the exact time as its title."""
    if value is None:
        return never or _("never")
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
def day(value: datetime) -> SafeString | str:
    """A moment of the last 24 hours as `ago`, another as its day in UTC: what a record is found
    by. The exact time is its title."""
    if (timezone.now() - value).total_seconds() < _DAY:
        return ago(value)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        value.isoformat(),
        exact(value),
        f"{value.astimezone(UTC):%Y-%m-%d}",
    )


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
    return format_html(_("in {span}"), span=left(value))


@register.simple_tag
def left(value: datetime | None) -> SafeString | str:
    """ "43 s", what is left up to a moment; it counts down in the browser."""
    if value is None:
        return ""
    seconds = max(0.0, (value - timezone.now()).total_seconds())
    return format_html(
        '<time datetime="{}" title="{}" data-until>{}</time>',
        value.isoformat(),
        exact(value),
        seconds_text(seconds),
    )


@register.filter
def about_text(value: float | None) -> str:
    """A span that is an estimate: whole seconds from one on."""
    return seconds_text(value) if value is None or value < 1 else _whole(round(value))


@register.filter
def seconds_text(value: float | None) -> str:
    """A span in seconds as "0.4 s", "12 s", "2 min" or "2 min 5 s"; "" when unknown."""
    if value is None:
        return ""
    if value < 10:
        return f"{value:.1f}\u00a0{pgettext('seconds, short', 's')}"
    return _whole(round(value))


def _whole(seconds: int) -> str:
    short_second = pgettext("seconds, short", "s")
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return f"{rest}\u00a0{short_second}"
    whole = f"{minutes}\u00a0{pgettext('minutes, short', 'min')}"
    return f"{whole} {rest}\u00a0{short_second}" if rest else whole
