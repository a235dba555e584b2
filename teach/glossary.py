"""Every term that is explained: by theme, in the order in which they are best read."""

from __future__ import annotations

from teach.term import Term
from teach.terms_network import NETWORK
from teach.terms_safety import SAFETY

TERMS: dict[str, Term] = {term.key: term for term in (*NETWORK, *SAFETY)}


def term_named(key: str) -> Term:
    """Return a term.

    Raises:
        LookupError: there is none of that key; a template has a slip.
    """
    try:
        return TERMS[key]
    except KeyError:
        raise LookupError(f"no term is called {key!r}; teach/glossary.py has them") from None
