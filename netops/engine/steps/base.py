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

    @classmethod
    def has_finish(cls) -> bool:
        """Return True for a step that has something to let go when the job is confirmed."""
        return cls.finish is not Step.finish

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

    def look_back(self, ctx: Context, saved: Saved) -> None:
        """Raise OldStateLost if what `undo` needs is there no longer. Touches nothing."""

    def reach(self, ctx: Context) -> None:
        """Bring the host to what this step promises, from any half-done state.

        For a job whose way back is closed: every step of the plan is asked, in its order, whether
        it was begun or not.
        """

    def finish(self, ctx: Context) -> None:
        """Let go of what only the way back needed: the job is confirmed."""
