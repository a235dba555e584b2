"""What others do while a change is under way, and each way in which it ends, on real hosts."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from lab.host import LabHost
from lab.image import IMAGE
from tests.drawn import drawn
from tests.engines import each_engine
from tests.root.in_host import containers, docker0, engine_install, serves
from tests.root.way_back import (
    CANCEL,
    FORWARD,
    GATEWAY,
    NEW,
    OLD,
    POWER,
    REVERT,
    Way,
    ended_whole,
    holds,
    running,
    subnet_of,
)

pytestmark = drawn
NewHost = Callable[..., LabHost]
each_init = pytest.mark.parametrize("init", ["sysv", "systemd"])
each_ending = pytest.mark.parametrize("ending", [FORWARD, CANCEL, POWER, REVERT])
each_way_back = pytest.mark.parametrize("ending", [CANCEL, POWER, REVERT])


def host_with_web(new_host: NewHost, init: str, **options: object) -> LabHost:
    """A host with the engine and a published container."""
    host = new_host(init, **options)
    engine_install(host)
    host.start_container("web", restart="always", publish=["8080:80"])
    return host


def network_subnet(host: LabHost, name: str) -> str:
    """The subnet that Docker gave a network."""
    text = "{{(index .IPAM.Config 0).Subnet}}"
    return str(host.run(["docker", "network", "inspect", "-f", text, name]).stdout).strip()


@each_engine
@each_ending
def test_a_network_made_in_the_window_does_not_get_the_old_range(
    release: str, init: str, ending: str, new_host: NewHost
) -> None:
    host = host_with_web(new_host, init, release=release)
    way = Way(host)
    way.wait_for_confirm()
    assert holds(host) == ["dockernet-hold-172.17.0.0-16"]
    assert OLD not in host.run("ip route").stdout
    host.run("docker network create other")
    assert network_subnet(host, "other") != OLD
    way.end(ending)
    ended_whole(way, ending)
    assert serves(host, 8080) == "web"


@each_engine
@pytest.mark.parametrize("ending", [CANCEL, POWER])
def test_it_stays_on_the_new_subnet_where_the_old_range_is_lost(
    release: str, init: str, ending: str, new_host: NewHost
) -> None:
    host = host_with_web(new_host, init, release=release)
    host.start_container("plain")
    way = Way(host)
    way.wait_for_confirm()
    host.run("docker network prune -f && docker network create other")
    assert network_subnet(host, "other") == OLD
    outcome = way.end(ending)
    assert outcome["state"] == "succeeded", outcome
    assert "network other has addresses of 172.17.0.0/16" in outcome["message"]
    assert outcome["left"] == ["docker network rm other"]
    assert subnet_of(host) == NEW
    assert running(host) == {"web", "plain"}
    assert serves(host, 8080) == "web"
    assert host.run("docker network inspect other", check=False).returncode == 0


@each_engine
def test_a_revert_is_refused_before_anything_stops_where_the_old_range_is_lost(
    release: str, init: str, new_host: NewHost
) -> None:
    host = host_with_web(new_host, init, release=release)
    way = Way(host)
    way.wait_for_confirm()
    way.end(FORWARD)
    host.run("docker network create other")
    assert network_subnet(host, "other") == OLD
    before = containers(host), docker0(host), host.run("docker info -f '{{.ID}}'; pidof dockerd")
    assert way.revert() == {}
    assert "network other" in way.answer["refused"]
    assert "docker network rm other" in way.answer["refused"]
    after = containers(host), docker0(host), host.run("docker info -f '{{.ID}}'; pidof dockerd")
    assert (before[:2], before[2].stdout) == (after[:2], after[2].stdout)
    host.run("docker network rm other")
    way.revert()
    ended_whole(way, REVERT)


@each_init
@each_ending
def test_one_container_that_is_gone_keeps_no_other_down(
    init: str, ending: str, new_host: NewHost
) -> None:
    host = host_with_web(new_host, init)
    for name in ("gone", "lost", "plain"):
        host.start_container(name)
    way = Way(host, amid=[("docker_stop", "do", "docker rm -f gone")])
    way.wait_for_confirm()
    assert way.outcome["state"] == "succeeded", way.outcome
    host.run("docker rm -f lost")
    way.end(ending)
    ended_whole(way, ending)
    assert running(host) == {"web", "plain"}
    assert set(containers(host)) == {"web", "plain"}


@each_init
def test_one_container_that_cannot_be_started_is_named_and_keeps_no_other_down(
    init: str, new_host: NewHost
) -> None:
    host = host_with_web(new_host, init)
    host.run("mkdir -p /srv/data")
    mount = "type=bind,source=/srv/data,target=/data"
    host.start_container("bound", restart="on-failure", args=["--mount", mount])
    host.start_container("plain")
    way = Way(host, amid=[("docker_start", "do", "rm -r /srv/data")])
    way.wait_for_confirm()
    # The change is undone, since what ran does not; the container is down in either state.
    assert way.outcome["state"] == "failed", way.outcome
    assert way.outcome["left"] == ["docker start bound"]
    assert "bound could not be started" in way.outcome["message"]
    assert subnet_of(host) == OLD
    assert running(host) == {"web", "plain"}
    assert serves(host, 8080) == "web"


@each_init
@each_way_back
def test_a_container_made_anew_under_its_name_is_the_same_one(
    init: str, ending: str, new_host: NewHost
) -> None:
    host = host_with_web(new_host, init)
    host.start_container("unit", publish=["8081:80"])
    again = (
        f"docker rm -f unit; docker run -d --init --name unit --hostname unit -p 8081:80 {IMAGE}"
    )
    way = Way(host, amid=[("start_containers", "save", again)])
    way.wait_for_confirm()
    assert way.outcome["state"] == "succeeded", way.outcome
    host.run(again.replace("-d --init", "-d --restart always --init"))
    way.end(ending)
    ended_whole(way, ending)
    assert running(host) == {"web", "unit"}
    assert (serves(host, 8080), serves(host, 8081)) == ("web", "unit")


@each_init
@each_ending
def test_containers_that_started_after_the_first_look_run_again(
    init: str, ending: str, new_host: NewHost
) -> None:
    host = host_with_web(new_host, init)
    run = f"docker run -d --init --name %s {IMAGE}"
    way = Way(
        host,
        amid=[("write_config", "do", run % "early"), ("docker_stop", "do", run % "late")],
    )
    way.wait_for_confirm()
    assert running(host) == {"web", "early", "late"}
    host.run(f"docker run -d --init --name deployed --restart unless-stopped {IMAGE}")
    way.end(ending)
    ended_whole(way, ending)
    assert running(host) == {"web", "early", "late", "deployed"}


@each_init
@each_ending
def test_an_edit_of_others_stays_and_what_they_stopped_stays_stopped(
    init: str, ending: str, new_host: NewHost
) -> None:
    host = host_with_web(new_host, init, daemon_json='{\n  "log-level": "warn"\n}\n')
    for name in ("plain", "halted"):
        host.start_container(name, restart="unless-stopped")
    way = Way(host)
    way.wait_for_confirm()
    host.run("docker stop halted")
    text = host.read("/etc/docker/daemon.json").replace('"warn",', '"warn",\n  "labels": ["a=b"],')
    assert "labels" in text
    host.write("/etc/docker/daemon.json", text)
    way.end(ending)
    ended_whole(way, ending)
    found = json.loads(host.read("/etc/docker/daemon.json"))
    bip = {"bip": "192.168.225.1/24"} if ending == FORWARD else {}
    assert found == {"log-level": "warn", "labels": ["a=b"], **bip}
    assert running(host) == {"web", "plain"}


@each_init
@each_way_back
def test_a_configuration_that_others_broke_keeps_docker_down_on_no_way_back(
    init: str, ending: str, new_host: NewHost
) -> None:
    host = host_with_web(new_host, init, daemon_json='{"log-level": "warn"}')
    host.start_container("plain")
    way = Way(host)
    way.wait_for_confirm()
    if ending == REVERT:
        way.end(FORWARD)
    host.write("/etc/docker/daemon.json", '{"log-level": "warn",')
    if ending == POWER:
        host.run("sync")
        host.power_off()
        host.boot()
        way.settle()
    elif ending == REVERT:
        way.revert()
    else:
        way.end(ending)
    ended_whole(way, ending)
    assert running(host) == {"web", "plain"}
    assert host.read("/etc/docker/daemon.json") == '{"log-level": "warn"}'
    theirs = host.read("/etc/docker/daemon.json.unreadable-dockernet")
    assert theirs == '{"log-level": "warn",'


@pytest.mark.parametrize("ending", [CANCEL, POWER])
@pytest.mark.parametrize("flag", ["172.17.0.1/16", "10.50.0.1/24"])
def test_a_flag_that_others_set_meanwhile_keeps_docker_down_on_no_way_back(
    flag: str, ending: str, new_host: NewHost
) -> None:
    host = host_with_web(new_host, "systemd")
    host.start_container("plain")
    way = Way(host)
    way.wait_for_confirm()
    start = f"ExecStart=\nExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS --bip={flag}\n"
    host.write("/etc/systemd/system/docker.service.d/bip.conf", f"[Service]\n{start}")
    host.run("systemctl daemon-reload")
    if ending == POWER:
        host.run("sync")
        host.power_off()
        host.boot()
        way.settle()
    else:
        way.end(ending)
    assert running(host) == {"web", "plain"}
    assert serves(host, 8080) == "web"
    if flag == GATEWAY[OLD]:
        ended_whole(way, ending)
    else:
        # Neither the old nor the new subnet is to be had: Docker runs on the one of the flag.
        assert way.outcome["state"] == "failed", way.outcome
        assert docker0(host) == [flag]
        assert holds(host) == []


@each_init
@each_way_back
def test_of_two_containers_that_want_one_port_the_one_that_ran_has_it(
    init: str, ending: str, new_host: NewHost
) -> None:
    host = new_host(init)
    engine_install(host)
    host.start_container("blue", restart="always", publish=["8080:80"])
    host.run("docker stop blue")
    host.start_container("green", restart="always", publish=["8080:80"])
    way = Way(host)
    found = {f["code"]: f["message"] for f in way.plan()["findings"]}
    assert "blue" in found["port-contested"]
    assert "green" in found["port-contested"]
    way.wait_for_confirm()
    assert running(host) == {"green"}
    assert serves(host, 8080) == "green"
    if ending == POWER:
        # dockerd starts both at boot, with us or without us: who gets the port is chance.
        host.run("docker rm blue")
    way.end(ending)
    ended_whole(way, ending)
    assert running(host) == {"green"}
    assert serves(host, 8080) == "green"


@each_init
@each_ending
def test_a_dependency_that_is_slow_gets_its_time(init: str, ending: str, new_host: NewHost) -> None:
    host = host_with_web(new_host, init)
    host.run("docker network create back")
    slow = f"docker run -d --init --name db --network back --restart always {IMAGE} sh -c"
    host.run([*slow.split(), "sleep 3; mkdir -p /w; echo db > /w/index.html; httpd -f -h /w"])
    app = f"docker run -d --init --name app --network back {IMAGE} sh -c"
    ask = "wget -q -O - http://db/ || exit 3; exec sleep 9999"
    host.run("until docker exec db wget -q -O - http://127.0.0.1/; do sleep 0.2; done")
    host.run([*app.split(), ask])
    way = Way(host)
    way.wait_for_confirm()
    assert way.outcome["state"] == "succeeded", way.outcome
    way.end(ending)
    ended_whole(way, ending)
    assert running(host) == {"web", "db", "app"}


@each_init
@each_ending
def test_a_container_in_a_loop_of_restarts_goes_on_with_live_restore(
    init: str, ending: str, new_host: NewHost
) -> None:
    host = host_with_web(new_host, init, daemon_json={"live-restore": True})
    loop = f"docker run -d --name loop --restart unless-stopped {IMAGE} sh -c"
    host.run([*loop.split(), "sleep 1; exit 3"])
    host.run("until [ $(docker inspect -f '{{.RestartCount}}' loop) -ge 2 ]; do sleep 0.1; done")
    way = Way(host)
    way.wait_for_confirm()
    way.end(ending)
    ended_whole(way, ending)
    assert running(host) >= {"web"}
    count = "docker inspect -f '{{.RestartCount}} {{.State.StartedAt}}' loop"
    now = host.run(count).stdout
    host.run(f"for n in $(seq 200); do [ \"$({count})\" = '{now.strip()}' ] || exit 0; sleep 0.1; "
             "done; exit 1")  # fmt: skip
