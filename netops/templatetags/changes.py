"""Template tags about changes."""

from __future__ import annotations

from django import template
from django.utils.functional import Promise
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from netops.advice import advice_on
from netops.engine.plan import BLOCKER, INFO, WARNING
from netops.kinds import target_of
from netops.models import Change
from netops.words import StateWord, state_word, word_now

register = template.Library()


@register.inclusion_tag("netops/_state.html")
def state(name: str, pill: bool = False) -> dict[str, StateWord | bool]:
    """The state of a change: sign and word; `pill` gives it a background."""
    return {"word": state_word(name), "pill": pill}


@register.inclusion_tag("netops/_state.html")
def now(change: Change) -> dict[str, StateWord | bool]:
    """Where a change of a list is, in the word that its own page has."""
    return {"word": word_now(change), "pill": False}


@register.filter
def target(change: Change) -> str:
    """What a change asks for, in a few words: "docker0 → 192.168.225.0/24"."""
    return target_of(change)


@register.filter
def advice(code: str) -> Promise | str:
    """What to do about a finding of that code."""
    return advice_on(code)


@register.filter
def severity_word(severity: str) -> str:
    """A finding's severity in the reader's language."""
    words = {BLOCKER: _("Blocker"), WARNING: _("Warning"), INFO: _("Info")}
    return words.get(severity, severity)


@register.filter
def unbroken(text: str) -> SafeString:
    """A text whose lines break between words only, never after a dash: of an option, or a name."""
    return format_html_join(" ", '<span class="word">{}</span>', [(w,) for w in text.split(" ")])
