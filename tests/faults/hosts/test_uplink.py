"""The host's cable is pulled before, during and after a job."""

from __future__ import annotations

import time

import pytest

from tests.faults.hosts.amid import job_amid, job_asked
from tests.faults.hosts.cases import INITS
from tests.faults.hosts.reliability import Record
from tests.faults.hosts.stage import Stage


def test_a_job_for_a_host_that_is_cut_off_waits_for_it(stage: Stage, record: Record) -> None:
    with stage.host("sysv") as host:
        job = job_asked(stage, host)
        host.cut_uplink()
        job.approve()
        time.sleep(3)
        assert stage.state(job.change) == "approved"
        host.restore_uplink()
        assert job.proved() == "succeeded"
        record.trouble("uplink: cut before the job, for 3 s", host.init, "succeeded", job.took_s)


@pytest.mark.parametrize("init", INITS)
def test_a_job_in_whose_middle_the_uplink_goes_is_true_in_the_end(
    init: str, stage: Stage, record: Record
) -> None:
    with stage.host(init) as host:
        job = job_amid(stage, host, "docker_stop", wait_s=0.5)
        host.cut_uplink()
        time.sleep(8)
        host.restore_uplink()
        state = job.proved()
        record.trouble("uplink: cut in mid-job, for 8 s", init, state, job.took_s)


def test_a_host_that_is_silent_for_longer_than_its_lease_is_unknown_and_then_settled(
    stage: Stage, record: Record
) -> None:
    with stage.host("sysv") as host:
        job = job_amid(stage, host, "docker_stop", wait_s=0.5)
        host.cut_uplink()
        cut = time.monotonic()
        while stage.state(job.change) != "unknown":
            assert time.monotonic() - cut < 45, "the site does not say that it does not know"
            time.sleep(0.5)
        told_s = time.monotonic() - cut
        host.restore_uplink()
        state = job.proved()
        record.trouble(
            f"uplink: cut until the site says “unknown” (after {told_s:.0f} s)",
            host.init, state, job.took_s,
        )  # fmt: skip


def test_a_job_whose_last_words_found_no_way_is_told_later(stage: Stage, record: Record) -> None:
    with stage.host("sysv") as host:
        job = job_amid(stage, host, "verify_containers", "after", wait_s=0.5)
        host.cut_uplink()
        time.sleep(5)
        host.restore_uplink()
        state = job.proved()
        record.trouble("uplink: cut after the last step, for 5 s", host.init, state, job.took_s)
