"""Template tags about policies."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from policies.models import Action, EnvironmentPolicy

register = template.Library()

_WORDS = {Action.REQUEST: _("request"), Action.APPROVE: _("approve"), Action.CANCEL: _("cancel")}


@register.filter
def long_span(seconds: int) -> str:
    """A span in the largest unit that has it whole: "7 days", "36 hours"."""
    if seconds and seconds % 86_400 == 0:
        count = seconds // 86_400
        return ngettext("%(count)d day", "%(count)d days", count) % {"count": count}
    if seconds and seconds % 3600 == 0:
        count = seconds // 3600
        return ngettext("%(count)d hour", "%(count)d hours", count) % {"count": count}
    if seconds and seconds % 60 == 0:
        count = seconds // 60
        return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}
    return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}


@register.filter
def granted_only(policy: EnvironmentPolicy) -> str:
    """What a policy asks a grant for, in words; "" for nothing."""
    return ", ".join(str(word) for action, word in _WORDS.items() if policy.granted_only(action))


@register.filter
def asks_for(policy: EnvironmentPolicy, action: str) -> bool:
    """True when a policy asks for a grant for an action."""
    return policy.granted_only(action)
