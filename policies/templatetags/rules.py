"""Template tags about policies."""

from __future__ import annotations

from django import template

from policies.models import Action, EnvironmentPolicy

register = template.Library()

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
_WORDS = {Action.REQUEST: "request", Action.APPROVE: "approve", Action.CANCEL: "cancel"}


@register.filter
def long_span(seconds: int) -> str:
    """A span in the largest unit that has it whole: "7 days", "36 hours"."""
    for unit, size in _UNITS:
        if seconds % size == 0 and seconds:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"


@register.filter
def granted_only(policy: EnvironmentPolicy) -> str:
    """What a policy asks a grant for, in words; "" for nothing."""
    return ", ".join(word for action, word in _WORDS.items() if policy.granted_only(action))


@register.filter
def asks_for(policy: EnvironmentPolicy, action: str) -> bool:
    """True when a policy asks for a grant for an action."""
    return policy.granted_only(action)
