"""dockerd's settings on real hosts: what holds, what conflicts, what cannot be read."""

from __future__ import annotations

import pytest

from lab.host import LabHost
from tests.root.in_host import engine_install
from tests.root.on_host import on, restore


@pytest.fixture
def host(lab_host: LabHost) -> LabHost:
    """Each of the session's hosts, with the engine on it."""
    engine_install(lab_host)
    return lab_host


def test_it_reads_the_setting_that_holds_wherever_it_stands(host: LabHost) -> None:
    """The proof is dockerd itself: started with it, it has the very flags that were foretold."""
    back = restore(host, "/etc/default/docker")
    host.write("/etc/default/docker", DEFAULTS[host.init])
    if host.init == "systemd":
        host.write("/etc/systemd/system/docker.service.d/net.conf", DROP_IN)
        host.run("systemctl daemon-reload")
    try:
        before = on(host, "result = seen()['config']")
        after = on(host, "ports.service.stop(30); bring_up(); result = seen()")
    finally:
        back()
        host.run("rm -rf /etc/systemd/system/docker.service.d")
        if host.init == "systemd":
            host.run("systemctl daemon-reload")
        on(host, "ports.service.stop(30); bring_up(); result = 0")
    values = {v["key"]: (v["value"], v["origin"], v["path"]) for v in before["values"]}
    assert values["bip"] == ("172.29.0.1/24", "DOCKER_OPTS", "/etc/default/docker")
    assert values["mtu"] == (1400, "DOCKER_OPTS", "/etc/default/docker")
    assert values["labels"][0] == ["a=b", "c=d"]
    assert before["flags_path"] == "/etc/default/docker"
    other = "--bip, --mtu, --icc" if host.init == "systemd" else "--bip, --mtu"
    assert before["notes"] == [f"dockerd runs with another {other} than its next start will have."]
    if host.init == "systemd":
        place = "/etc/systemd/system/docker.service.d/net.conf"
        assert values["icc"] == (False, "drop-in", place)
    assert after["config"]["notes"] == []
    assert "172.29.0.1/24" in [a["interface"] for a in after["addresses"]]
    assert after["problems"] == []


DEFAULTS = {
    "sysv": """# shell
MTU=1400
export DOCKER_OPTS="--bip 172.29.0.1/24 \\
  --label=a=b"
DOCKER_OPTS="$DOCKER_OPTS --mtu=$MTU --label c=d"
""",
    "systemd": """# not shell
; also a comment
export DOCKER_OPTS=--bip=9.9.9.9/8
DOCKER_OPTS=--bip 172.29.0.1/24 \\
  --label="a=b" --mtu=1400 --label 'c=d'
""",
}
DROP_IN = """[Service]
ExecStart=
ExecStart=/usr/sbin/dockerd -H fd:// --icc=false \\
  --containerd=/run/containerd/containerd.sock $DOCKER_OPTS
"""


def test_a_key_that_it_calls_a_conflict_keeps_docker_from_starting(host: LabHost) -> None:
    flags, file = restore(host, "/etc/default/docker"), restore(host, "/etc/docker/daemon.json")
    host.write("/etc/default/docker", 'DOCKER_OPTS="--bip=172.29.0.1/24"\n')
    host.write("/etc/docker/daemon.json", '{"bip": "172.30.0.1/24"}')
    try:
        seen = on(host, "result = seen()")
        said = on(
            host, "ports.service.stop(30); result = failure(bring_up) and ports.service.log_tail()"
        )
    finally:
        flags()
        file()
        on(host, "ports.service.stop(30); bring_up(); result = 0")
    assert seen["config"]["conflicts"] == ["bip"]
    assert any("cannot start: bip" in problem for problem in seen["problems"])
    assert "both as a flag and in the configuration file: bip" in said


@pytest.mark.parametrize("content", ["", "{", "[]", '{"debug": tru'])
def test_docker_refuses_a_daemon_json_that_it_calls_unreadable(
    sysv_host: LabHost, content: str
) -> None:
    host = sysv_host
    engine_install(host)
    back = restore(host, "/etc/docker/daemon.json")
    host.write("/etc/docker/daemon.json", content)
    try:
        error = on(host, "result = seen()['config']['error']")
        kept = host.read("/etc/docker/daemon.json")
        refused = on(host, "ports.service.stop(30); result = failure(bring_up)")
    finally:
        back()
        on(host, "ports.service.stop(30); bring_up(); result = 0")
    assert error.startswith("The file ")
    assert kept == content
    assert refused


def test_it_reports_bytes_that_are_no_text_and_leaves_them(host: LabHost) -> None:
    back = restore(host, "/etc/docker/daemon.json")
    host.write("/etc/docker/daemon.json", b'{"labels": ["\xff"]}')
    try:
        config = on(host, "result = seen()['config']")
        kept = host.run("base64 -w0 /etc/docker/daemon.json").stdout
    finally:
        back()
    assert config["error"] == "The file is not UTF-8."
    assert config["values"] == [] or all(v["origin"] != "daemon.json" for v in config["values"])
    assert kept == "eyJsYWJlbHMiOiBbIv8iXX0="


def test_it_replaces_a_file_whole_with_mode_owner_and_link(host: LabHost) -> None:
    host.run(
        "mkdir -p /opt/f && cd /opt/f && echo old > real && chown 7:8 real && ln -sf real link"
    )
    shown = on(
        host,
        """
ports.config.write_bytes("/opt/f/link", b"new", 0o640)
ports.config.write_bytes("/opt/f/deep/er/file", b"x", 0o600)
result = [ports.config.read_bytes("/opt/f/link")[1], ports.config.read_bytes("/opt/f/none") is None]
ports.config.remove("/opt/f/deep/er/file"); ports.config.remove("/opt/f/deep/er/file")
result.append(failure(lambda: ports.config.write_bytes("/proc/version/x", b"", 0o600)))
""",
    )
    assert shown[:2] == [0o640, True]
    assert shown[2].startswith("/proc/version/x cannot be written")
    listed = host.run("cd /opt/f && stat -c '%F %a %u %g' real link && cat real && ls -A . deep/er")
    lines = listed.stdout.splitlines()
    assert lines[:2] == ["regular file 640 7 8", "symbolic link 777 0 0"]
    assert lines[2].startswith("new")
    assert ".real." not in listed.stdout
    host.run("rm -r /opt/f")
