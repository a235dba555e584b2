"""One word that a newcomer may not know, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class Term:
    """A word of the pages.

    `key` names it in templates and in the address of its place on the page of terms; `more` is
    the document that says more, as a path in the repository.
    """

    key: str
    word: StrOrPromise
    text: StrOrPromise
    more: str
