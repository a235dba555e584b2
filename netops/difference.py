"""One thing before and after a change."""

from __future__ import annotations

from attrs import frozen


@frozen
class Difference:
    """One thing before and after a change; "" where it is not known or not there."""

    what: str
    before: str
    after: str
