"""A file replaced whole, or on the way back on a full disk in place."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from netops.engine.adapters.files import file_replace, file_replace_or_overwrite
from netops.engine.errors import OperationFailed


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """No new file finds room."""

    def no_room(*args: Any, **words: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "mkstemp", no_room)


def test_a_full_disk_refuses_a_new_file_and_keeps_the_old(tmp_path: Path, full: None) -> None:
    path = tmp_path / "daemon.json"
    path.write_text("old")
    with pytest.raises(OperationFailed, match="No space left"):
        file_replace(str(path), b"new", 0o600)
    assert path.read_text() == "old"


def test_the_way_back_writes_into_the_file_that_there_is(tmp_path: Path, full: None) -> None:
    path = tmp_path / "daemon.json"
    path.write_text("something longer")
    file_replace_or_overwrite(str(path), b"new", 0o640)
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640


def test_the_way_back_says_so_when_there_is_no_file(tmp_path: Path, full: None) -> None:
    with pytest.raises(OperationFailed, match="No space left"):
        file_replace_or_overwrite(str(tmp_path / "none"), b"new", 0o640)
    assert list(tmp_path.iterdir()) == []


def test_what_is_new_has_a_new_time(tmp_path: Path) -> None:
    """Who looks at the time of a file, like a backup, sees that it is another."""
    path = tmp_path / "daemon.json"
    path.write_text("old")
    os.utime(path, (1, 1))
    file_replace(str(path), b"new", 0o600)
    assert path.stat().st_mtime > 1_000_000
