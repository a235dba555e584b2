"""Docker itself does not do what it should in the middle of a job."""

from __future__ import annotations

import json

import pytest

from tests.faults.hosts.amid import job_amid, job_asked
from tests.faults.hosts.cases import INITS
from tests.faults.hosts.reliability import Record
from tests.faults.hosts.stage import Stage
from tests.faults.hosts.whole import daemon_json, look

DEAF = "docker run -d --name deaf --restart always lab sh -c 'trap \"\" TERM; sleep 9999'"


@pytest.mark.parametrize("init", INITS)
def test_a_docker_that_does_not_start_with_the_new_configuration_is_brought_back(
    init: str, stage: Stage, record: Record
) -> None:
    with stage.host(init) as host:
        job = job_amid(stage, host, "docker_stop", wait_s=2)
        # Somebody else writes at the same time what dockerd refuses: it starts with no such key.
        spoilt = {**daemon_json(look(host)), "no-such-key": True}
        host.write("/etc/docker/daemon.json", json.dumps(spoilt))
        assert job.proved() == "rolled_back"
        events = stage.events(job.change)
        assert "docker" in next(e["message"] for e in events if e["type"] == "step_failed")
        record.trouble("dockerd: does not start any more", init, "rolled_back", job.took_s)


@pytest.mark.parametrize("init", INITS)
def test_a_container_that_ignores_sigterm_is_waited_for(
    init: str, stage: Stage, record: Record
) -> None:
    with stage.host(init) as host:
        image = host.run("docker inspect -f '{{.Config.Image}}' web").stdout.strip()
        host.run(DEAF.replace(" lab ", f" {image} "))
        job = job_asked(stage, host)
        assert job.change["plan"]["expected_outage_s"] >= 10
        job.approve()
        assert job.proved() == "succeeded"
        record.trouble("container: ignores SIGTERM", init, "succeeded", job.took_s)


@pytest.mark.all_faults  # It takes as long as the step may.
def test_a_docker_that_stands_still_when_it_starts_is_brought_back(
    stage: Stage, record: Record
) -> None:
    with stage.host("systemd") as host:
        job = job_amid(stage, host, "start_containers", wait_s=1)
        host.run("kill -STOP $(pgrep -x dockerd)")
        assert job.proved(600) == "rolled_back"
        record.trouble("dockerd: stands still", host.init, "rolled_back", job.took_s)
