"""What a host said, in the reader's language: {{ text|said }}."""

from __future__ import annotations

from django import template

from language.said import said as in_language

register = template.Library()


@register.filter
def said(text: str) -> str:
    """Return a sentence of a host in the language of the page."""
    return in_language(str(text))
