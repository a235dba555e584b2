"""The explanation of a term where it stands.

`{% term "masquerade" %}` shows the word as a button that opens a short text; the browser does it
all (the popover attribute): no script, Escape closes it. Not for use inside a link or a label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template

from teach.glossary import term_named
from teach.term import Term

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

register = template.Library()


@register.inclusion_tag("teach/_term.html")
def term(key: str, word: StrOrPromise = "", at: str = "") -> dict[str, Term | StrOrPromise]:
    """Explain the term `key` in place.

    Args:
        key: its key in the glossary.
        word: how it is written here; by default as in the glossary.
        at: where it stands, when the same term is explained more than once on a page: ids are
            unique, and the same after each swap.

    Raises:
        LookupError: the glossary has no such term.
    """
    found = term_named(key)
    name = f"term-{key}-{at}" if at else f"term-{key}"
    return {"term": found, "word": word or found.word, "name": name}
