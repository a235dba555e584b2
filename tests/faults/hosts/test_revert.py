"""`dockernet-agent revert` at a real host's console."""

from __future__ import annotations

import time

import pytest

from lab.host import LabHost
from tests.faults.hosts.amid import Job, job_amid, job_asked
from tests.faults.hosts.cases import INITS
from tests.faults.hosts.reliability import Record
from tests.faults.hosts.stage import Stage
from tests.faults.hosts.whole import lasting, look

REVERT = "dockernet-agent revert"


def reverted(job: Job) -> str:
    """Revert at the console; what the site says afterwards of the change, once it is told."""
    begun = time.monotonic()
    done = job.host.run(REVERT)
    assert "as it was" in done.stdout, done.stdout
    assert lasting(look(job.host)) == lasting(job.before), "it said so and it was not"
    path = f"/changes/{job.change['id']}"
    seen = job.stage.site.clients["carol"].wait(
        path, lambda c: c["state"] not in ("running", "succeeded"), "the word of the way back"
    )
    job.begun = time.monotonic() - begun
    assert job.stage.events(job.change)[-1]["state"] == seen["state"]
    return str(seen["state"])


@pytest.mark.parametrize("init", INITS)
def test_a_revert_at_the_console_is_a_way_back_at_any_time(
    init: str, stage: Stage, record: Record
) -> None:
    with stage.host(init) as host:
        job = job_amid(stage, host, "address_add", wait_s=2)
        assert reverted(job) == "rolled_back"
        record.trouble("console: revert in mid-job", init, "rolled_back", job.took_s)

        job = _done(stage, host)
        assert reverted(job) == "rolled_back"
        record.trouble("console: revert of a job that succeeded", init, "rolled_back", job.took_s)
        before = look(host)
        refused = host.run(REVERT, check=False)
        assert refused.returncode == 2, refused
        assert "nothing on this host that could be undone" in refused.stderr
        assert lasting(look(host)) == lasting(before)

        job = _done(stage, host)
        host.cut_uplink()
        try:
            done = host.run(REVERT)
            assert "could not be told now" in done.stdout, done.stdout
            assert lasting(look(host)) == lasting(job.before)
        finally:
            host.restore_uplink()
        path = f"/changes/{job.change['id']}"
        begun = time.monotonic()
        stage.site.clients["carol"].wait(path, lambda c: c["state"] == "rolled_back", "the word")
        told_s = time.monotonic() - begun
        record.trouble("console: revert without uplink", init, "rolled_back", told_s)
        assert _done(stage, host)


def _done(stage: Stage, host: LabHost) -> Job:
    job = job_asked(stage, host)
    job.approve()
    assert job.proved() == "succeeded"
    return job
