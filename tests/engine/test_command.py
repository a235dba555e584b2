"""Programs that are run for a step or for the way back."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from netops.engine.adapters.command import run


def test_its_output_needs_no_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A disk without room for a file must not keep a host from going back."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    result = run(["echo", "done"], 5.0)
    assert (result.status, result.output) == (0, "done\n")
