"""What a host said, in the reader's language: {{ text|host_words }}."""

from __future__ import annotations

from django import template

from language import host_words as words

register = template.Library()


@register.filter
def host_words(text: str) -> str:
    """Return a sentence of a host in the language of the page."""
    return words.host_words(str(text))
