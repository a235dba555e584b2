"""A job on a real host whose agent, job process, power or uplink goes in the middle of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import Lab
from lab.host import LabHost
from netops.wire import Heartbeat, JobEvent, ObservationReport
from tests.agent.site import wait_until
from tests.root.enrolled import Enrolled, enrolling_on

SUBNET = "192.168.225.0/24"
JOB_PROCESS = "pgrep -f '__main__.py .* [w]ork apply'"
WORKER = "pgrep -f '__main__.py [r]un$'"


@pytest.fixture
def enrolled(
    lab: Lab, new_host: Callable[..., LabHost], tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Enrolled]:
    """An enrolled host with two containers; its init is the test's parameter, or sysv."""
    with enrolling_on(str(lab.segment.site_address), tmp_path) as make:
        one = make(new_host(getattr(request, "param", "sysv")))
        one.host.start_container("web", restart="always", publish=["8080:80"])
        one.host.start_container("batch", restart="no")
        one.enrol()
        yield one


def docker0(enrolled: Enrolled) -> list[str]:
    """The addresses of docker0, as the host itself reports them."""
    return [str(a) for a in enrolled.answers().observed.addresses_of("docker0")]


def running(enrolled: Enrolled) -> list[str]:
    """The names of the containers that run, sorted."""
    return sorted(enrolled.host.run("docker ps --format '{{.Names}}'").stdout.split())


def wait_for_step(enrolled: Enrolled, kind: str) -> None:
    """Wait until a step whose title starts with `kind` has begun."""
    wait_until(
        lambda: [e.message for e in enrolled.site.said(JobEvent) if e.type == "step_started"],
        lambda titles: any(title.startswith(kind) for title in titles),
        30,
    )


def whole(events: list[JobEvent]) -> list[JobEvent]:
    """The events once each; none may be missing."""
    by_seq = {event.seq: event for event in events}
    assert sorted(by_seq) == list(range(1, len(by_seq) + 1))
    return [by_seq[seq] for seq in sorted(by_seq)]


@pytest.mark.parametrize("enrolled", ["sysv", "systemd"], indirect=True)
def test_a_power_loss_in_mid_job_is_settled_at_the_next_boot(enrolled: Enrolled) -> None:
    job_id = enrolled.start_job(enrolled.plan(SUBNET))
    wait_for_step(enrolled, "Set docker0 down")
    enrolled.host.power_off()
    enrolled.host.boot()
    events = whole(enrolled.site.wait_for_end(job_id, 60))
    assert events[-1].data["state"] == "rolled_back", events[-1].message
    assert docker0(enrolled) == ["172.17.0.1/16"]
    assert running(enrolled) == ["batch", "web"]
    assert {b.running_job for b in enrolled.site.said(Heartbeat)} <= {"", job_id}


def test_a_job_process_that_is_killed_is_settled_at_once(enrolled: Enrolled) -> None:
    job_id = enrolled.start_job(enrolled.plan(SUBNET))
    wait_for_step(enrolled, "Stop Docker")
    enrolled.host.run(f"kill -9 $({JOB_PROCESS})")
    events = whole(enrolled.site.wait_for_end(job_id, 60))
    assert events[-1].data["state"] == "rolled_back", events[-1].message
    assert docker0(enrolled) == ["172.17.0.1/16"]
    assert running(enrolled) == ["batch", "web"]


@pytest.mark.parametrize("enrolled", ["sysv", "systemd"], indirect=True)
def test_a_job_outlives_its_worker_and_the_uplink(enrolled: Enrolled) -> None:
    job_id = enrolled.start_job(enrolled.plan(SUBNET))
    wait_for_step(enrolled, "Set bip")
    enrolled.host.run(f"kill -9 $({WORKER})")
    enrolled.host.cut_uplink()
    # Long enough for the steps in between; the last one tries for longer than that.
    time.sleep(6)
    enrolled.host.restore_uplink()
    events = whole(enrolled.site.wait_for_end(job_id, 90))
    assert events[-1].data["state"] == "succeeded", events[-1].message
    assert docker0(enrolled) == ["192.168.225.1/24"]
    assert running(enrolled) == ["batch", "web"]
    told = [e.message for e in enrolled.site.said(JobEvent)]
    assert not any("interrupted" in message for message in told)


def test_a_host_that_changed_after_the_plan_stays_untouched(enrolled: Enrolled) -> None:
    plan = enrolled.plan(SUBNET)
    enrolled.host.start_container("late", restart="always")
    config = enrolled.host.run("cat /etc/docker/daemon.json || true").stdout
    started = enrolled.host.run("docker inspect -f '{{.State.StartedAt}}' web").stdout
    events = whole(enrolled.site.wait_for_end(enrolled.start_job(plan), 30))
    assert [e.type for e in events] == ["state", "state", "end"]
    assert events[1].data["state"] == events[2].data["state"] == "stale"
    assert "late" in events[1].message
    assert enrolled.host.run("cat /etc/docker/daemon.json || true").stdout == config
    assert enrolled.host.run("docker inspect -f '{{.State.StartedAt}}' web").stdout == started
    assert docker0(enrolled) == ["172.17.0.1/16"]


def test_a_job_ends_with_a_fresh_report_and_the_console_tells_it(enrolled: Enrolled) -> None:
    job_id = enrolled.start_job(enrolled.plan(SUBNET))
    events = whole(enrolled.site.wait_for_end(job_id, 60))
    assert events[-1].data["state"] == "succeeded", events[-1].message
    moved = {c["name"]: c["to"] for c in events[-1].data["containers"]}  # type: ignore[index, union-attr, call-overload]
    assert set(moved) == {"web", "batch"}
    report = wait_until(lambda: enrolled.reports("job"), bool)[0]
    assert [str(a) for a in report.observed.addresses_of("docker0")] == ["192.168.225.1/24"]
    causes = [r.cause for r in enrolled.site.said(ObservationReport)]
    assert causes.count("job") == 1
    assert "succeeded" in enrolled.host.run("dockernet-agent journal").stdout
    told = enrolled.host.run(f"dockernet-agent journal {job_id[:6]}").stdout
    assert "Set bip to 192.168.225.1/24" in told
    spec = '{"network": "bridge", "subnet": "192.168.225.0/24"}'
    again = enrolled.host.run(f"dockernet-agent plan --spec '{spec}'", check=False)
    assert again.returncode == 3
    assert "no-change" in again.stdout
