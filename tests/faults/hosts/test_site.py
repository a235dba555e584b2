"""The broker, the ingest or the whole site goes in the middle of jobs on two hosts."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lab import Lab
from lab.host import LabHost
from lab.site import Site, port_pick
from tests.faults.hosts.amid import jobs_amid
from tests.faults.hosts.cases import INITS, LAST
from tests.faults.hosts.reliability import Record
from tests.faults.hosts.stage import Stage


@pytest.fixture(scope="module")
def troubled(faults_lab: Lab) -> Iterator[tuple[Stage, list[LabHost]]]:
    """A site of its own, with a host of each init."""
    folder = faults_lab.segment.run.folder / "troubled"
    with Site(faults_lab.segment, folder, port_pick()) as site:
        stage = Stage(faults_lab, site)
        with ThreadPoolExecutor() as pool:
            hosts = list(pool.map(lambda init: stage.host_new(init, "x"), INITS))
        yield stage, hosts
        for host in hosts:
            faults_lab.remove(host)


def amid(
    troubled: tuple[Stage, list[LabHost]],
    record: Record,
    fault: str,
    happens: Callable[[Site], None],
    ends: str = "succeeded",
    **more: Any,
) -> None:
    """Let it happen while both hosts stop Docker; both jobs must end so."""
    stage, hosts = troubled
    for job in jobs_amid(stage, hosts, "docker_stop", lambda: happens(stage.site), **more):
        assert job.proved() == ends
        record.trouble(fault, job.host.init, ends, job.took_s)


def test_it_outlives_a_broker_that_is_killed(
    troubled: tuple[Stage, list[LabHost]], record: Record
) -> None:
    def happens(site: Site) -> None:
        site.part("broker").kill()

    amid(troubled, record, "broker: kill -9 in mid-job", happens)


def test_it_outlives_a_broker_that_lost_all_its_data(
    troubled: tuple[Stage, list[LabHost]], record: Record
) -> None:
    def happens(site: Site) -> None:
        site.freeze()
        site.part("broker").kill()
        shutil.rmtree(site.home / "broker" / "appendonlydir")
        (site.home / "broker" / "users.acl").unlink()
        time.sleep(2)
        site.thaw()

    amid(troubled, record, "broker: kill -9 in mid-job, all its data lost", happens)


def test_it_outlives_a_broker_that_stands_still(
    troubled: tuple[Stage, list[LabHost]], record: Record, request: pytest.FixtureRequest
) -> None:
    seconds = 80 if request.config.getoption("--all-faults") else 12

    def happens(site: Site) -> None:
        broker = site.part("broker")
        broker.signal(signal.SIGSTOP)
        time.sleep(seconds)
        broker.signal(signal.SIGCONT)

    fault = f"broker: frozen for {seconds} s in mid-job, 120 s to confirm"
    amid(troubled, record, fault, happens, confirm_window_s=120)


@pytest.mark.all_faults
def test_a_broker_that_stands_still_for_longer_than_the_window_turns_jobs_back(
    troubled: tuple[Stage, list[LabHost]], record: Record
) -> None:
    def happens(site: Site) -> None:
        broker = site.part("broker")
        broker.signal(signal.SIGSTOP)
        time.sleep(80)
        broker.signal(signal.SIGCONT)

    fault = "broker: frozen for 80 s in mid-job, 60 s to confirm"
    amid(troubled, record, fault, happens, ends="rolled_back")


def test_an_ingest_that_stays_away_by_the_end_turns_jobs_back(
    troubled: tuple[Stage, list[LabHost]], record: Record
) -> None:
    stage, hosts = troubled

    def happens(site: Site) -> None:
        site.freeze()
        site.part("ingest").kill()

    jobs = jobs_amid(stage, hosts, LAST, lambda: happens(stage.site), "held", confirm_window_s=10)
    try:
        begun = time.monotonic()
        took_s = [job.gone_back(60) and time.monotonic() - begun for job in jobs]
        assert {stage.state(job.change) for job in jobs} <= {"running", "unknown"}
    finally:
        stage.site.thaw()
    for job, seconds in zip(jobs, took_s, strict=True):
        assert job.proved() == "rolled_back"
        fault = "confirm: ingest dead after the last step, window 10 s"
        record.trouble(fault, job.host.init, "rolled_back", seconds)


def test_it_outlives_an_ingest_that_is_killed(
    troubled: tuple[Stage, list[LabHost]], record: Record
) -> None:
    def happens(site: Site) -> None:
        site.part("ingest").kill()

    amid(troubled, record, "ingest: kill -9 in mid-job", happens)


def test_it_outlives_a_site_that_is_killed_with_all_its_parts(
    troubled: tuple[Stage, list[LabHost]], record: Record
) -> None:
    def happens(site: Site) -> None:
        site.kill()
        time.sleep(5)
        site.start()

    amid(troubled, record, "site: kill -9 of all its parts in mid-job, 5 s away", happens)
