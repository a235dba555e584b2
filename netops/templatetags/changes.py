"""Template tags about changes."""

from __future__ import annotations

from django import template

from netops.kinds import target_of
from netops.models import Change
from netops.words import StateWord, state_word

register = template.Library()


@register.inclusion_tag("netops/_state.html")
def state(name: str, pill: bool = False) -> dict[str, StateWord | bool]:
    """The state of a change: sign and word; `pill` gives it a background."""
    return {"word": state_word(name), "pill": pill}


@register.filter
def target(change: Change) -> str:
    """What a change asks for, in a few words: "docker0 → 192.168.225.0/24"."""
    return target_of(change)
