"""The host's disk is full, before a job and in the middle of it."""

from __future__ import annotations

import time

import pytest

from lab.host import LabHost
from tests.faults.hosts.amid import job_amid, job_asked
from tests.faults.hosts.reliability import Record
from tests.faults.hosts.stage import Stage
from tests.faults.hosts.whole import lasting, look

AGENT, DOCKER = "/var/lib/dockernet", "/etc/docker"
MOUNT = """set -e
service dockernet-agent stop
cp -a {folder} /tmp/kept
mount -t tmpfs -o mode=700,size={size} tmpfs {folder}
cp -a /tmp/kept/. {folder}/
rm -rf /tmp/kept
service dockernet-agent start
"""


def disk_small(host: LabHost, folder: str, size: str) -> None:
    """Put a folder on a disk of its own, which is full as soon as `disk_fill` is called."""
    host.run(MOUNT.format(folder=folder, size=size))


def disk_fill(host: LabHost, folder: str) -> None:
    """Write until nothing more goes onto that disk, not even one more empty file's block."""
    host.run(f"dd if=/dev/zero of={folder}/filler bs=4096 2>/dev/null || true")
    left = host.run(f"df --output=avail {folder} | tail -n 1").stdout.strip()
    assert left == "0", left


def disk_free(host: LabHost, folder: str) -> None:
    """Make room again."""
    host.run(f"rm {folder}/filler")


def test_a_job_that_cannot_be_kept_is_not_begun_and_comes_again(
    stage: Stage, record: Record
) -> None:
    with stage.host("sysv") as host:
        disk_small(host, AGENT, "1M")
        job = job_asked(stage, host)
        disk_fill(host, AGENT)
        job.approve()
        time.sleep(5)
        assert stage.state(job.change) == "approved"
        assert lasting(look(host)) == lasting(job.before)
        disk_free(host, AGENT)
        assert job.proved() == "succeeded"
        record.trouble(f"disk: {AGENT} full before the job", host.init, "succeeded", job.took_s)


@pytest.mark.parametrize("step", ["write_config", "docker_stop", "docker_start"])
def test_a_journal_that_takes_no_more_turns_the_job_back(
    step: str, stage: Stage, record: Record
) -> None:
    with stage.host("sysv") as host:
        disk_small(host, AGENT, "1M")
        job = job_amid(stage, host, step, wait_s=1.5)
        disk_fill(host, AGENT)
        time.sleep(12)
        # Nothing can be told yet; the host itself is whole already.
        disk_free(host, AGENT)
        assert job.proved() == "rolled_back"
        fault = f"disk: {AGENT} full from {step} on, for 12 s"
        record.trouble(fault, host.init, "rolled_back", job.took_s)


def test_a_configuration_that_cannot_be_written_turns_the_job_back(
    stage: Stage, record: Record
) -> None:
    with stage.host("systemd") as host:
        disk_small(host, DOCKER, "64k")
        disk_fill(host, DOCKER)
        job = job_asked(stage, host)
        job.approve()
        assert job.proved() == "rolled_back"
        told = [e["message"] for e in stage.events(job.change) if e["type"] == "step_failed"]
        assert "No space left" in " ".join(told)
        record.trouble(f"disk: {DOCKER} full before the job", host.init, "rolled_back", job.took_s)


def test_a_rollback_whose_configuration_finds_no_room_brings_the_host_back_all_the_same(
    stage: Stage, record: Record
) -> None:
    with stage.host("sysv") as host:
        disk_small(host, DOCKER, "64k")
        job = job_amid(stage, host, "verify_layers", wait_s=2)
        disk_fill(host, DOCKER)
        host.run("kill -9 $(pgrep -f '[w]ork apply')")
        state = _without_filler(host, job)
        assert state == "rolled_back"
        record.trouble(f"disk: {DOCKER} full when the job goes back", host.init, state, job.took_s)


def _without_filler(host: LabHost, job) -> str:  # type: ignore[no-untyped-def]
    job.stage.ended(job.change)
    disk_free(host, DOCKER)
    return str(job.proved())
