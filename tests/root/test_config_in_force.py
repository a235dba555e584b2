"""dockerd's flags that come from somewhere else than from the files: a plan is blocked in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab import SystemdHost, SysvHost
from lab.host import LabHost
from tests.engines import each_engine
from tests.root.conftest import host_tidy
from tests.root.in_host import containers, docker0, engine_install, engine_run, file_state

CODE = "config-not-in-force"
OPTS, JSON = "/etc/default/docker", "/etc/docker/daemon.json"
DROP_IN, WRAPPER = "/etc/systemd/system/docker.service.d/net.conf", "/usr/local/bin/start-docker"
EXEC = "[Service]\nExecStart=\nExecStart={} -H fd:// --containerd=/run/containerd/containerd.sock\n"
FLAG = "--bip=172.29.0.1/24"
RESTART = {
    "systemd": "systemctl daemon-reload && systemctl restart docker",
    "sysv": "service docker restart",
}


@pytest.fixture
def systemd(systemd_host: SystemdHost) -> Iterator[SystemdHost]:
    """The session's systemd host with a container, its unit put back afterwards."""
    yield from used(systemd_host)


@pytest.fixture
def sysv(sysv_host: SysvHost) -> Iterator[SysvHost]:
    """The session's sysv host with a container, its DOCKER_OPTS put back afterwards."""
    yield from used(sysv_host)


def used(host: Any) -> Iterator[Any]:
    host_tidy(host)
    engine_install(host)
    host.start_container("web", restart="always")
    opts = host.read(OPTS)
    yield host
    if host.init == "systemd":  # by the unit that started it
        host.run("systemctl stop docker.socket docker.service")
    host.write(OPTS, opts)
    host.run(f"rm -rf {WRAPPER} /etc/systemd/system/docker.service.d /var/lib/dockernet/jobs")
    # docker0 keeps the address of the last start.
    host.write(JSON, '{"bip": "172.17.0.1/16"}')
    restart(host)
    host.run(f"rm {JSON}")
    restart(host)
    host_tidy(host)


def restart(host: LabHost) -> None:
    if host.init == "systemd":
        host.run("systemctl daemon-reload; systemctl reset-failed docker docker.socket")
    host.run("systemctl restart docker" if host.init == "systemd" else "service docker restart")
    host.wait_docker()


def ask(host: LabHost) -> dict[str, Any]:
    spec = {"network": "bridge", "subnet": "192.168.225.0/24"}
    site = str(host.segment.site_address)
    return {"spec": spec, "controller": [site], "job": "/var/lib/dockernet/jobs/one"}


def blockers(host: LabHost) -> dict[str, str]:
    """{subject: message} of the plan's blockers of this code."""
    plan = engine_run(host, "plan", ask(host))
    found = {f["subject"]: f["message"] for f in plan["findings"] if f["code"] == CODE}
    assert not (found and plan["steps"])
    return found


def state(host: LabHost) -> Any:
    pid = host.run("pidof dockerd").stdout
    files = [file_state(host, path) for path in (JSON, OPTS, DROP_IN)]
    return pid, docker0(host), files, containers(host)


def refused(host: LabHost) -> dict[str, str]:
    """The plan's blockers, and that nothing happens to a host for which it is carried out."""
    before, found = state(host), blockers(host)
    with pytest.raises(AssertionError, match="blockers"):
        engine_run(host, "apply", ask(host))
    assert state(host) == before
    return found


def test_a_drop_in_that_went_without_a_reload_blocks(systemd: SystemdHost) -> None:
    systemd.write(DROP_IN, EXEC.format("/usr/sbin/dockerd"))
    systemd.run(f"sed -i 's|/usr/sbin/dockerd|& {FLAG}|' {DROP_IN}")
    restart(systemd)
    assert docker0(systemd) == ["172.29.0.1/24"]
    systemd.run(f"rm {DROP_IN}")
    found = refused(systemd)
    assert set(found) == {"docker.service", "--bip"}
    assert FLAG in found["--bip"]
    assert all(RESTART["systemd"] in message for message in found.values())
    systemd.run(RESTART["systemd"])
    systemd.wait_docker()
    assert blockers(systemd) == {}


def test_a_drop_in_that_docker_was_not_restarted_for_blocks(systemd: SystemdHost) -> None:
    systemd.write(DROP_IN, EXEC.format(f"/usr/sbin/dockerd --mtu 1400 {FLAG}"))
    systemd.run("systemctl daemon-reload")
    found = refused(systemd)
    assert set(found) == {"--bip", "--mtu"}
    assert FLAG in found["--bip"]
    assert DROP_IN in found["--bip"]
    assert "--mtu=1400" in found["--mtu"]


def test_a_new_drop_in_that_systemd_has_not_read_blocks(systemd: SystemdHost) -> None:
    systemd.write(DROP_IN, EXEC.format(f"/usr/sbin/dockerd {FLAG}"))
    found = refused(systemd)
    assert set(found) == {"docker.service", "--bip"}
    assert DROP_IN in found["--bip"]


def test_a_unit_file_that_goes_before_and_that_systemd_has_not_read_blocks(
    systemd: SystemdHost,
) -> None:
    own = "/etc/systemd/system/docker.service"
    systemd.run(f"sed 's|/usr/sbin/dockerd|& {FLAG}|' /lib/systemd/system/docker.service > {own}")
    try:
        found = refused(systemd)
    finally:
        systemd.run(f"rm {own}")
    assert set(found) == {"docker.service", "--bip"}
    assert own in found["--bip"]


@pytest.mark.parametrize("line", [f'exec dockerd {FLAG} "$@"', f'dockerd "$@" {FLAG}'])
def test_a_flag_of_a_wrapper_script_blocks(systemd: SystemdHost, line: str) -> None:
    systemd.write(WRAPPER, f"#!/bin/sh\n{line}\n", 0o755)
    text = EXEC.format(WRAPPER)
    if not line.startswith("exec"):  # As its child, dockerd has no socket of systemd's.
        text = (
            text.replace("fd://", "unix:///run/docker.sock") + "Type=exec\nKillMode=control-group\n"
        )
    systemd.write(DROP_IN, text)
    restart(systemd)
    found = refused(systemd)
    assert set(found) == {"--bip"}
    assert FLAG in found["--bip"]
    assert found["--bip"].count(WRAPPER) == 2
    assert JSON in found["--bip"]


def test_a_wrapper_script_that_gives_a_key_of_daemon_json_blocks(systemd: SystemdHost) -> None:
    systemd.write(WRAPPER, '#!/bin/sh\nexec dockerd --log-level=warn "$@"\n', 0o755)
    systemd.write(DROP_IN, EXEC.format(WRAPPER))
    restart(systemd)
    assert blockers(systemd) == {}
    systemd.write(JSON, '{"log-level": "warn"}')
    assert set(refused(systemd)) == {"--log-level"}


@pytest.mark.parametrize(
    "command",
    [
        "/usr/sbin/dockerd --icc=true --mtu 1400 --iptables",
        "/sbin/dockerd --mtu=1400",
        "-/usr/bin/nice -n 1 /usr/sbin/dockerd --mtu=1400",
        "/usr/bin/env X=1 dockerd --default-address-pool base=10.201.0.0/16,size=24",
    ],
)
def test_flags_that_dockerd_was_started_with_block_nothing(
    systemd: SystemdHost, command: str
) -> None:
    systemd.write(DROP_IN, EXEC.format(command))
    restart(systemd)
    assert blockers(systemd) == {}


def test_docker_opts_that_docker_was_not_restarted_for_block(sysv: SysvHost) -> None:
    sysv.write(OPTS, f'DOCKER_OPTS="{FLAG}"\n')
    found = refused(sysv)
    assert set(found) == {"--bip"}
    assert FLAG in found["--bip"]
    assert OPTS in found["--bip"]
    restart(sysv)
    assert blockers(sysv) == {}
    sysv.write(OPTS, 'DOCKER_OPTS="--bip 172.29.0.1/24 --icc=true"\n')
    assert blockers(sysv) == {}
    sysv.write(OPTS, "DOCKER_OPTS=\n")
    assert set(refused(sysv)) == {"--bip"}


@each_engine
def test_it_knows_the_flags_in_force_on_each_release(
    release: str, init: str, new_host: Callable[..., LabHost]
) -> None:
    host = new_host(init, release=release)
    engine_install(host)
    assert blockers(host) == {}
    if init == "systemd":
        # In a folder that systemd has not seen yet.
        host.write(DROP_IN, EXEC.format(f"/usr/sbin/dockerd {FLAG}"))
        assert set(blockers(host)) == {"docker.service", "--bip"}
    else:
        host.write(OPTS, f'DOCKER_OPTS="{FLAG}"\n')
        assert set(blockers(host)) == {"--bip"}
    restart(host)
    assert blockers(host) == {}


def test_a_rollback_in_docker_opts_leaves_nothing_that_blocks(sysv: SysvHost) -> None:
    pools = 'DOCKER_OPTS="--default-address-pool=base=10.201.0.0/16,size=24"\n'
    sysv.write(OPTS, pools)
    restart(sysv)
    last = len(engine_run(sysv, "plan", ask(sysv))["steps"])
    back = engine_run(sysv, "apply", ask(sysv) | {"fault": [last, "after"]})
    assert back["outcome"]["state"] == "rolled_back", back["outcome"]
    assert sysv.read(OPTS) == pools
    assert docker0(sysv) == ["10.201.0.1/24"]
    assert blockers(sysv) == {}
