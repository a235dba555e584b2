"""The adapters on real Docker hosts of both inits, judged by the hosts' own tools."""

from __future__ import annotations

import pytest

from lab.host import LabHost
from tests.root.in_host import engine_install
from tests.root.on_host import on, restore, running, status


@pytest.fixture
def host(lab_host: LabHost) -> LabHost:
    """Each of the session's hosts, with the engine on it."""
    engine_install(lab_host)
    return lab_host


def test_it_sees_what_the_hosts_own_tools_show(host: LabHost) -> None:
    host.start_container("web", restart="always", publish=["8080:80", "127.0.0.1:8081:80/udp"])
    host.start_container("plain", args=["--stop-timeout", "30"])
    host.run("docker network create --subnet 10.77.0.0/24 front")
    try:
        host.start_container("two", rm=True, args=["--network", "front", "--ip", "10.77.0.9"])
        host.run("docker network connect bridge two")
        seen = on(host, "result = seen()")
        layers = on(host, "result = to_json(layers_of(observe(ports, Controller())))")
    finally:
        host.run("docker rm -f two; docker network rm front")
    found = {c["name"]: c for c in seen["containers"]}
    assert set(found) == {"web", "plain", "two"}
    assert (found["web"]["restart_policy"], found["plain"]["stop_timeout"]) == ("always", 30)
    assert found["two"]["auto_remove"]
    assert [e["static_ipv4"] for e in found["two"]["endpoints"]] == [None, "10.77.0.9"]
    assert {(p["host_ip"], p["host_port"], p["protocol"]) for p in found["web"]["publishes"]} == {
        (None, 8080, "tcp"), ("127.0.0.1", 8081, "udp"),
    }  # fmt: skip
    # docker-init waits for signals: the stop takes no time limit.
    assert all(c["heeds_stop_signal"] for c in found.values())
    assert seen["service"]["manager"] == host.init
    assert seen["daemon"]["running"]
    assert seen["firewall"]["backend"] == "nft"
    assert seen["problems"] == []
    assert layers["kernel"] == layers["containers"] == [layers["docker"]] == ["172.17.0.0/16"]


def test_it_finds_the_veth_of_each_container(host: LabHost) -> None:
    for number in range(3):
        host.start_container(f"c{number}")
    seen = on(host, "result = seen()")
    links = {link["name"]: link for link in seen["links"]}
    for container in seen["containers"]:
        text = host.run(["docker", "exec", container["name"], "cat", "/sys/class/net/eth0/iflink"])
        [endpoint] = container["endpoints"]
        assert links[endpoint["veth"]]["index"] == int(text.stdout)
        assert {"bridge": "docker0", "link": endpoint["veth"], "container": container["name"]} in (
            seen["ports"]
        )
        inner = host.run(["docker", "exec", container["name"], "ip", "-4", "addr", "show", "eth0"])
        assert container["kernel_ipv4"][0] in inner.stdout


def test_it_stops_docker_and_starts_it_again(host: LabHost) -> None:
    host.start_container("kept", restart="always")
    host.start_container("plain")
    assert status(host)
    stopped = on(host, "ports.service.stop(30); result = [seen(), to_json(ports.service.state())]")
    assert not status(host)
    assert not stopped[1]["active"]
    assert not stopped[0]["daemon"]["running"]
    assert stopped[0]["problems"] == ["Docker does not answer; its service is stopped."]
    assert host.run("pgrep -x dockerd", check=False).stdout == ""
    if host.init == "systemd":
        assert host.run("systemctl is-active docker.socket", check=False).stdout == "inactive\n"
    else:
        left = host.run("ls /run | grep docker.*pid", check=False).stdout
        assert "docker-ssd.pid" not in left
    again = on(host, "ports.service.stop(30); bring_up(); result = seen()")
    assert status(host)
    assert again["daemon"]["running"]
    assert again["problems"] == []
    assert running(host) == ["kept"]
    if host.init == "systemd":
        assert host.run("systemctl is-active docker.socket").stdout == "active\n"


def test_it_uses_one_client_across_a_restart_of_docker(host: LabHost) -> None:
    host.start_container("kept", restart="always")
    names = on(
        host,
        """
result = [[c.name for c in ports.docker.containers()]]
ports.service.stop(30)
result.append(failure(ports.docker.containers))
bring_up()
result.append([c.name for c in ports.docker.containers()])
""",
    )
    assert names == [["kept"], "dockerd does not run.", ["kept"]]


def test_observing_never_starts_a_stopped_docker(systemd_host: LabHost) -> None:
    host = systemd_host
    engine_install(host)
    # As an administrator leaves it who does not think of the socket.
    host.run("systemctl stop docker.service; systemctl start docker.socket")
    try:
        seen = on(host, "result = seen()")
        assert host.run("systemctl is-active docker.service", check=False).stdout == "inactive\n"
    finally:
        host.run("systemctl start docker.service")
    assert not seen["daemon"]["running"]


def test_it_says_why_docker_does_not_start(host: LabHost) -> None:
    on(host, "ports.service.stop(30); result = 0")
    back = restore(host, "/etc/docker/daemon.json")
    host.write("/etc/docker/daemon.json", '{"bip": "10.10.10.0/24"}')
    try:
        began = on(
            host,
            """
began = time.monotonic()
message = failure(bring_up)
result = [message, time.monotonic() - began, ports.service.log_tail(20), seen()["problems"]]
""",
        )
    finally:
        back()
    message, seconds, log, problems = began
    assert "docker" in message
    assert seconds < 20  # it did not wait for the whole limit
    assert "failed to allocate gateway (10.10.10.0): Address already in use" in log
    assert problems[0].startswith("Docker does not answer")
    # A third failure in a minute would end systemd's patience, were it not reset.
    assert on(host, "bring_up(); result = seen()")["problems"] == []


def test_it_bears_containers_that_vanish_while_it_looks(host: LabHost) -> None:
    # Ended between two runs: one that is killed in the middle leaves a container behind.
    host.run("touch /run/churn")
    once = "docker run --rm --init lab-busybox:1 true"
    churn = host.popen(f"while [ -e /run/churn ]; do {once}; done >/dev/null 2>&1")
    try:
        counts = on(host, "result = [len(seen()['problems']) for _ in range(15)]")
    finally:
        host.run("rm /run/churn")
        churn.wait(30)
        host.run('until [ -z "$(docker ps -aq)" ]; do sleep 0.1; done', timeout=30)
    assert counts == [0] * 15


def test_it_stops_and_starts_containers(host: LabHost) -> None:
    host.start_container("once")
    host.start_container("gone", rm=True)
    host.start_container("frozen")
    result = on(
        host,
        """
docker = ports.docker
docker.stop("once"); docker.stop("once", 0); docker.stop("gone", 1); docker.stop("gone")
docker.stop("nobody")
docker.pause("frozen")
while docker.container("gone"):
    time.sleep(0.05)  # Docker removes it a moment after its end.
result = [docker.container("once").state, docker.container("gone")]
result.append(docker.container("frozen").state)
docker.start("once"); docker.start("once")
result += [docker.container("once").state, failure(lambda: docker.start("nobody"))]
""",
    )
    assert result[:4] == ["exited", None, "paused", "running"]
    assert "nobody" in result[4]
    host.run("docker unpause frozen")


def test_it_says_why_a_container_does_not_start(host: LabHost) -> None:
    host.start_container("first", publish=["8090:80"])
    host.run("docker create --name second -p 8090:80 lab-busybox:1")
    assert "port is already allocated" in on(
        host, "result = failure(lambda: ports.docker.start('second'))"
    )


def test_foreign_rules_are_told_from_dockers_own(host: LabHost) -> None:
    host.start_container("web", publish=["8080:80"])
    rules = ["INPUT -s 172.17.0.0/16 -j ACCEPT", "DOCKER-USER -s 10.1.1.1/32 -j DROP"]
    nat = "POSTROUTING -s 10.3.0.0/16 -o eth0 -j SNAT --to-source 198.51.100.9"
    for rule in rules:
        host.run(f"iptables -A {rule}")
    host.run(f"iptables -t nat -A {nat}")
    try:
        seen = on(host, "result = seen()['firewall']")
    finally:
        for rule in rules:
            host.run(f"iptables -D {rule}")
        host.run(f"iptables -t nat -D {nat}")
    assert sorted(seen["rules"]) == sorted(
        [f"-t nat -A {nat}", *(f"-t filter -A {rule}" for rule in rules)]
    )
    assert on(host, "result = seen()['firewall']['rules']") == []
