"""One tree of errors. `Refused` is for people (it says what they can do); the rest is for us."""

from __future__ import annotations


class DockernetError(Exception):
    """Base of everything that Dockernet raises on purpose."""


class Refused(DockernetError):
    """The request cannot be honoured as it stands; nothing was touched.

    `code` is stable for scripts, `message` one sentence, `field` the input at fault ("" if none).
    """

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


class SpecInvalid(Refused):
    """A specification breaks a rule. `problems` has one (field, code, message) for each fault."""

    def __init__(self, problems: list[tuple[str, str, str]]) -> None:
        field, code, message = problems[0]
        super().__init__(code, message, field)
        self.problems = problems


class Stale(Refused):
    """The host is no longer what the plan was made from. `differences` says where, in sentences."""

    def __init__(self, differences: list[str]) -> None:
        super().__init__("stale", "The host is no longer what the plan was made from.")
        self.differences = differences


class MessageRejected(Refused):
    """A message on the wire is unsigned, foreign, altered, expired or malformed."""


class OperationFailed(DockernetError):
    """The host did not do what it was told (a command failed, a time limit passed).

    `hint` is what a person can do next, "" when nothing is known.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class CheckFailed(OperationFailed):
    """A step went through, but the host does not show what the step promised."""


class OldStateLost(OperationFailed):
    """The way back is closed: somebody else has by now what the old state needs.

    `hint` is the command that would open it again.
    """


class Cancelled(OperationFailed):
    """A person stopped the job; `message` says who."""
