"""Files replaced whole or not at all, also through a power loss."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import tempfile
from pathlib import Path

from netops.engine.errors import OperationFailed


def file_read(path: str) -> tuple[bytes, int] | None:
    """Return the content and the mode bits of a file, None if it does not exist."""
    try:
        with Path(path).open("rb") as file:
            return file.read(), stat.S_IMODE(os.fstat(file.fileno()).st_mode)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OperationFailed(f"{path} cannot be read: {error.strerror}.") from error


def file_replace(path: str, content: bytes, mode: int) -> None:
    """Replace a file atomically: write beside it, fsync, rename, fsync the folder.

    A symbolic link stays one (its target is replaced); owner and extended attributes of the old
    file are kept. Raises OperationFailed; the old file is untouched then.
    """
    target = Path(os.path.realpath(path))
    part = ""
    try:
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            _keep_owner(target, part)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(part).replace(target)
        folder_sync(target.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(part).unlink()
        raise OperationFailed(f"{path} cannot be written: {error.strerror}.") from error


def file_replace_or_overwrite(path: str, content: bytes, mode: int) -> None:
    """`file_replace`, but on a full disk write into the blocks that the file has already.

    For the way back alone: a file torn by a loss of power at that moment is worse than none, but a
    Docker that cannot be started is worse still. Raises OperationFailed.
    """
    try:
        file_replace(path, content, mode)
    except OperationFailed as error:
        cause = error.__cause__
        if not isinstance(cause, OSError) or cause.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        try:
            with Path(path).open("r+b") as file:
                file.write(content)
                file.truncate()
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
        except OSError:
            raise error from cause


def file_remove(path: str) -> None:
    """Remove a file, for good also after a power loss; fine if there is none."""
    try:
        Path(path).unlink(missing_ok=True)
        folder_sync(Path(path).parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise OperationFailed(f"{path} cannot be removed: {error.strerror}.") from error


def folder_sync(folder: Path) -> None:
    """Make the names in a folder durable (fsync(2))."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _keep_owner(old: Path, part: str) -> None:
    try:
        found = old.stat()
    except FileNotFoundError:
        return
    os.chown(part, found.st_uid, found.st_gid)
    with contextlib.suppress(OSError):
        shutil.copystat(old, part)  # For the extended attributes (SELinux); the time is now.
        os.utime(part)
