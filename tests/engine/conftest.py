"""Property tests on machines that do much else: a slow example is no failure."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from netops.engine import apply, rollback
from tests.engine.job_bench import Bench, Recorded

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Jobs of recorded steps."""
    for module in (apply, rollback):
        monkeypatch.setattr(module, "step_of", lambda spec: Recorded(spec.kind))
    monkeypatch.setattr(Recorded, "log", [])
    monkeypatch.setattr(Recorded, "faults", {})
    return Bench(tmp_path)
