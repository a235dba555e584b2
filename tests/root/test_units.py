"""Units that stop with Docker run again at every end of a subnet change, on a real systemd host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab import SystemdHost
from lab.host import LabHost
from lab.image import IMAGE
from tests.root.in_host import engine_install, engine_run, serves
from tests.root.units import ALONE, FOLDER, STOPPED, WITH_DOCKER, active, units_make
from tests.root.way_back import CANCEL, FORWARD, OLD, REVERT, Way, ended_whole, running, subnet_of

NewHost = Callable[..., LabHost]
ALL = {**WITH_DOCKER, **ALONE, **STOPPED}
RUNS = [*WITH_DOCKER, *ALONE]
each_ending = pytest.mark.parametrize("ending", [FORWARD, CANCEL, REVERT])
# As its administrator would run one container as a service.
APP = f"""[Unit]
Requires=docker.service
After=docker.service
[Service]
ExecStartPre=-/usr/bin/docker rm -f app
ExecStart=/usr/bin/docker run --init --name app --hostname app -p 8081:80 {IMAGE}
ExecStop=/usr/bin/docker stop app
[Install]
WantedBy=multi-user.target
"""


@pytest.fixture
def host(new_host: NewHost) -> SystemdHost:
    """A systemd host with a container and, running, the units of units.py."""
    one = new_host("systemd")
    assert isinstance(one, SystemdHost)
    engine_install(one)
    one.start_container("web", restart="always", publish=["8080:80"])
    units_make(one, ALL)
    one.run(["systemctl", "start", "--", *RUNS])
    one.run("systemctl --job-mode=ignore-dependencies stop gap by-hand")
    assert active(one, *ALL) == RUNS
    return one


def finding(way: Way) -> dict[str, Any]:
    """What the plan says of the units."""
    [found] = [f for f in way.plan()["findings"] if f["code"] == "stops-units"]
    return dict(found)


def outputs(way: Way) -> str:
    return "\n".join(event["message"] for event in way.answer["events"])


@each_ending
def test_units_that_stop_with_docker_run_again(ending: str, host: SystemdHost) -> None:
    way = Way(host)
    found = finding(way)
    assert found["severity"] == "warning"
    assert all(name in found["message"] for name in WITH_DOCKER)
    assert not any(name in found["message"] for name in (*ALONE, *STOPPED))
    way.wait_for_confirm()
    assert active(host, *ALL) == RUNS
    said = outputs(way)
    assert all(name in said for name in WITH_DOCKER)
    way.end(ending)
    ended_whole(way, ending)
    assert active(host, *ALL) == RUNS
    assert serves(host, 8080) == "web"


def test_units_run_again_after_a_fault_in_the_last_step(host: SystemdHost) -> None:
    way = Way(host, job="/var/lib/dockernet/jobs/fault")
    fault = [len(way.plan()["steps"]), "after"]
    way.answer = engine_run(host, "apply", way.asked(fault=fault))
    ended_whole(way, CANCEL)
    assert active(host, *ALL) == RUNS
    assert serves(host, 8080) == "web"


@each_ending
def test_a_unit_that_somebody_stops_in_the_window_stays_stopped(
    ending: str, host: SystemdHost
) -> None:
    way = Way(host)
    way.wait_for_confirm()
    host.run("systemctl stop part second")
    way.end(ending)
    ended_whole(way, ending)
    assert active(host, *ALL) == [n for n in RUNS if n not in ("part.service", "second.service")]


@each_ending
def test_a_unit_that_runs_a_container_makes_it_anew(ending: str, new_host: NewHost) -> None:
    host = new_host("systemd")
    engine_install(host)
    host.write(f"{FOLDER}/app.service", APP)
    host.run("systemctl daemon-reload; systemctl enable --now app")
    host.run("until docker inspect -f x app >/dev/null 2>&1; do sleep 0.1; done")
    way = Way(host)
    way.wait_for_confirm()
    way.end(ending)
    ended_whole(way, ending)
    assert active(host, "app.service") == ["app.service"]
    assert running(host) == {"app"}
    assert serves(host, 8081) == "app"


def test_a_unit_that_does_not_start_again_is_named_and_keeps_no_other_down(
    host: SystemdHost,
) -> None:
    # At its second start it fails, a moment after systemd calls it active.
    broken = {"broken.service": "Requires=docker.service\nAfter=docker.service"}
    again = "if test -e /srv/ran; then sleep 1; exit 3; fi"
    units_make(host, broken, f"{again}; touch /srv/ran; exec sleep infinity")
    host.run("systemctl start broken; until test -e /srv/ran; do sleep 0.1; done")
    way = Way(host)
    way.wait_for_confirm()
    assert way.outcome["state"] == "failed", way.outcome
    assert "systemctl start broken.service" in way.outcome["left"]
    assert subnet_of(host) == OLD
    assert active(host, *ALL, "broken.service") == RUNS
    assert serves(host, 8080) == "web"
