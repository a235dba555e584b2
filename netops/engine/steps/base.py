"""What a step is: something done to a host that can be told, checked and undone."""

from __future__ import annotations

from typing import ClassVar

from netops.engine.context import Context, Saved
from netops.engine.serial import Json


class Step:
    """One step of a plan, made from the plain data of its StepSpec.

    The order is save, (journal), do, check. `undo` gets what `save` returned, maybe in another
    process, maybe after a reboot, maybe of a step that was done half, not at all, or undone
    already: it looks at the host and does only what is missing. All of them raise OperationFailed
    (CheckFailed) with a sentence for people.
    """

    kind: ClassVar[str] = ""

    def __init__(self, params: dict[str, Json]) -> None:
        self.params = params

    @classmethod
    def has_undo(cls) -> bool:
        """Return False for a step that takes nothing back: it only looks, or what it did stays."""
        return cls.undo is not Step.undo

    def text(self, name: str) -> str:
        """Return a text parameter."""
        return str(self.params[name])

    def seconds(self, name: str) -> float:
        """Return a time in seconds."""
        value = self.params[name]
        assert isinstance(value, int | float)
        return float(value)

    def save(self, ctx: Context) -> Saved:
        """Return, as plain JSON, all that undo will need. Changes nothing."""
        return {}

    def do(self, ctx: Context) -> None:
        """Have the effect."""

    def check(self, ctx: Context) -> None:
        """Read back that the effect is there."""

    def undo(self, ctx: Context, saved: Saved) -> None:
        """Bring back what was before."""
