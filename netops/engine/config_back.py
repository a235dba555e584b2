"""dockerd's configuration on the way back: one key is edited where others have edited the file."""

from __future__ import annotations

from netops.engine.config_edit import ConfigEdit
from netops.engine.context import Context
from netops.engine.errors import OperationFailed
from netops.engine.file_copy import file_bytes, file_put_back
from netops.engine.serial import Json

UNREADABLE, OTHERS = ".unreadable-dockernet", ".others-dockernet"


def is_ours(edit: ConfigEdit, original: Json, content: bytes | None, *values: str) -> bool:
    """Return whether the file holds what this job has left there, so that nobody else edited it.

    `values` are those that the job may have given the key besides the one that was asked for.
    """
    before = file_bytes(original)
    if content == before:
        return True
    given = [value for value in (edit.value, *values) if value]
    written = [edit.with_value(value).applied_to(before) for value in given]
    return content in written


def key_set(ctx: Context, edit: ConfigEdit, original: Json) -> None:
    """Give the key `edit.value`, in the file as it is now.

    One that others have made unreadable is made anew from `original`, since dockerd has to start,
    and theirs is kept beside it. Raises OperationFailed when it cannot be written.
    """
    found = ctx.ports.config.read_bytes(edit.path)
    content, mode = found if found is not None else (None, 0o644)
    try:
        fresh = edit.applied_to(content)
    except ValueError as error:
        theirs = edit.path + UNREADABLE
        ctx.ports.config.write_back(theirs, content or b"", mode)
        ctx.output(
            f"Others have edited {edit.path}, and dockerd could not read it ({error}). It is made "
            f"from the file before the job; theirs is kept as {theirs}."
        )
        fresh = edit.applied_to(file_bytes(original))
    if fresh != content:
        ctx.ports.config.write_back(edit.path, fresh, mode)


def file_forced_back(ctx: Context, edit: ConfigEdit, original: Json, *values: str) -> None:
    """Put the whole file back, for a dockerd that does not start otherwise; others' edits are kept.

    `values` are those that the job may have given the key. Raises OperationFailed.
    """
    found = ctx.ports.config.read_bytes(edit.path)
    if found is not None and not is_ours(edit, original, found[0], *values):
        theirs = edit.path + OTHERS
        ctx.ports.config.write_back(theirs, *found)
        ctx.output(f"dockerd did not start with what others changed; it is kept as {theirs}.")
    file_put_back(ctx.ports, edit.path, original)


def key_put_back(ctx: Context, edit: ConfigEdit, original: Json, old: str) -> bool:
    """Put the configuration back; return True if others had edited it, whose edits stay.

    Untouched by others the file becomes `original`, byte by byte; else one key of it does. `old` is
    the value by which the way back has brought the old subnet into force. Raises OperationFailed.
    """
    found = ctx.ports.config.read_bytes(edit.path)
    content = None if found is None else found[0]
    if is_ours(edit, original, content, old):
        file_put_back(ctx.ports, edit.path, original)
        return False
    if found is None:
        return True  # Others have removed it: dockerd keeps the subnet that it is on.
    try:
        fresh = edit.taken_back(found[0], file_bytes(original))
    except ValueError as error:
        raise OperationFailed(f"{edit.path} cannot be edited: {error}") from error
    if fresh != found[0]:
        ctx.ports.config.write_back(edit.path, fresh, found[1])
    return True
