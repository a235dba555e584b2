"""A flag of dockerd that is not in force yet, or not any more after its next start."""

from __future__ import annotations

from attrs import frozen

from netops.engine.serial import Json


@frozen
class PendingFlag:
    """A flag of the running dockerd that its next start, as the files have it, will change.

    `running` and `next` are its values, None where dockerd is not given the flag; `path` is the
    file that gives the next value, "" where no file that Dockernet reads does.
    """

    key: str
    running: Json
    next: Json
    path: str = ""
