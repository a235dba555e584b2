"""All is done on the host, and the confirm does not come: the host goes back by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from lab.host import LabHost
from tests.faults.hosts.amid import Job, job_amid, job_asked
from tests.faults.hosts.cases import LAST
from tests.faults.hosts.reliability import Record
from tests.faults.hosts.stage import Stage
from tests.faults.hosts.whole import lasting, look

WINDOW_S = 10
# From the end of the window: the undo itself stops and starts Docker on a busy machine.
GOES_BACK_S = 30.0


@pytest.fixture(scope="module", params=["sysv", "systemd"])
def host(request: pytest.FixtureRequest, stage: Stage) -> Iterator[LabHost]:
    """One host of each init for all of these tests: it takes the next job each time."""
    with stage.host(request.param) as made:
        yield made


def waiting(job: Job) -> float:
    """Wait until the host waits for the confirm; return the seconds that the site says are left."""
    path = f"/changes/{job.change['id']}"
    seen = job.stage.site.clients["carol"].wait(
        path, lambda c: c["job"] and c["job"]["confirm_until"], "the wait for a confirm"
    )
    assert seen["state"] == "running"
    return float(seen["confirm_window_s"])


def why(job: Job) -> str:
    """What the history says at its end."""
    return str(job.stage.events(job.change)[-1]["message"])


def test_a_change_whose_host_loses_its_uplink_by_it_goes_back_by_itself(
    stage: Stage, host: LabHost, record: Record
) -> None:
    job = job_amid(stage, host, LAST, "held", wait_s=1, confirm_window_s=WINDOW_S)
    host.cut_uplink()
    took_s = job.gone_back(1 + WINDOW_S + GOES_BACK_S)
    assert took_s > WINDOW_S - 3, "it did not even wait for the confirm"
    assert stage.state(job.change) in ("running", "unknown")
    host.restore_uplink()
    assert job.proved() == "rolled_back"
    assert f"did not confirm over a fresh connection within {WINDOW_S} s" in why(job)
    fault = f"confirm: uplink gone for good after the last step, window {WINDOW_S} s"
    record.trouble(fault, host.init, "rolled_back", took_s)


def test_a_short_cut_after_the_last_step_costs_nothing(
    stage: Stage, host: LabHost, record: Record
) -> None:
    job = job_amid(stage, host, LAST, "held", wait_s=1)
    host.cut_uplink()
    time.sleep(6)
    host.restore_uplink()
    assert job.proved() == "succeeded"
    record.trouble("confirm: uplink cut for 6 s of the 60 s", host.init, "succeeded", job.took_s)


def test_a_change_that_no_person_confirms_goes_back(
    stage: Stage, host: LabHost, record: Record
) -> None:
    job = job_asked(stage, host, confirm="person", confirm_window_s=WINDOW_S)
    job.approve()
    assert waiting(job) == WINDOW_S
    assert job.proved() == "rolled_back"
    assert f"Nobody confirmed within {WINDOW_S} s" in why(job)
    record.trouble("confirm: no person gives it", host.init, "rolled_back", job.took_s)


def test_a_change_that_a_person_confirms_stays(stage: Stage, host: LabHost, record: Record) -> None:
    job = job_asked(stage, host, confirm="person", confirm_window_s=60)
    job.approve()
    waiting(job)
    time.sleep(3)
    assert stage.state(job.change) == "running"
    assert lasting(look(host)) != lasting(job.before)
    stage.site.clients["alice"].call("POST", f"/changes/{job.change['id']}/confirm")
    assert job.proved() == "succeeded"
    assert "alice confirmed it" in why(job)
    record.trouble("confirm: a person gives it after 3 s", host.init, "succeeded", job.took_s)


def test_a_job_that_is_cancelled_while_it_waits_goes_back(
    stage: Stage, host: LabHost, record: Record
) -> None:
    job = job_asked(stage, host, confirm="person", confirm_window_s=60)
    job.approve()
    waiting(job)
    stage.site.clients["alice"].call("POST", f"/changes/{job.change['id']}/cancel")
    assert job.proved() == "rolled_back"
    assert "alice cancelled the job" in why(job)
    record.trouble("cancel: while a confirm is missing", host.init, "rolled_back", job.took_s)


def test_a_job_that_is_cancelled_in_its_middle_goes_back(
    stage: Stage, host: LabHost, record: Record
) -> None:
    job = job_amid(stage, host, "docker_stop", wait_s=2)
    stage.site.clients["alice"].call("POST", f"/changes/{job.change['id']}/cancel")
    assert job.proved() == "rolled_back"
    assert "alice cancelled the job" in why(job)
    record.trouble("cancel: in mid-job", host.init, "rolled_back", job.took_s)
