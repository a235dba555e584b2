"""A container that its restart policy started a moment ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from netops.engine.adapters.docker_read import read_container


def inspected(count: int, seconds_ago: float) -> dict[str, Any]:
    started = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    stamp = started.strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"
    state = {"Status": "running", "Pid": 7, "StartedAt": stamp}
    return {"Id": "a", "Name": "/loop", "RestartCount": count, "State": state}


@pytest.mark.parametrize(
    ("count", "seconds_ago", "looping"),
    [(3, 1, True), (3, 9, True), (3, 11, False), (0, 1, False)],
)
def test_it_tells_a_loop_from_a_start(count: int, seconds_ago: float, looping: bool) -> None:
    assert read_container(inspected(count, seconds_ago)).looping == looping


@pytest.mark.parametrize("stamp", ["", "0001-01-01T00:00:00Z", "never"])
def test_it_is_not_put_off_by_a_time_that_is_none(stamp: str) -> None:
    data = inspected(3, 1)
    data["State"]["StartedAt"] = stamp
    assert not read_container(data).looping
