"""Reading Docker's JSON, dockerd's flags, unit files, sysv settings, firewall rules, resolvers."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest

from netops.engine.adapters.docker_api import negotiate
from netops.engine.adapters.docker_read import read_container, read_network
from netops.engine.adapters.dockerd_flags import Word, read_flags
from netops.engine.adapters.facts import resolvers
from netops.engine.adapters.firewall_read import foreign_rules
from netops.engine.adapters.systemd_unit import read_environment_file, read_unit
from netops.engine.adapters.sysv_script import sysv_script
from netops.engine.errors import OperationFailed
from netops.engine.observed import Publish


def flags(line: str) -> dict[str, Any]:
    """The settings of a command line of dockerd."""
    return {s.key: s.value for s in read_flags([Word(w, "unit", "") for w in line.split()])}


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("--bip=10.0.0.1/24", {"bip": "10.0.0.1/24"}),
        ("--bip 10.0.0.1/24", {"bip": "10.0.0.1/24"}),
        ("--bip=10.0.0.1/24 --bip=10.1.0.1/24", {"bip": "10.1.0.1/24"}),
        ("-b none -D", {"bridge": "none", "debug": True}),
        ("-bbr0 -Hfd:// -H=unix:///x", {"bridge": "br0", "hosts": ["fd://", "unix:///x"]}),
        ("-DH fd://", {"debug": True, "hosts": ["fd://"]}),
        ("--iptables=false --icc --ipv6=F", {"iptables": False, "icc": True, "ipv6": False}),
        ("--live-restore --mtu 1400", {"live-restore": True, "mtu": 1400}),
        ("--dns 1.1.1.1 --dns=8.8.8.8", {"dns": ["1.1.1.1", "8.8.8.8"]}),
        ("--default-address-pool base=10.0.0.0/8,size=24",
         {"default-address-pools": [{"base": "10.0.0.0/8", "size": 24}]}),
        ("--log-opt max-size=1m --log-opt max-file=3",
         {"log-opts": {"max-size": "1m", "max-file": "3"}}),
        ("--insecure-registry x -g /d -- --bip=1", {"insecure-registries": ["x"],
                                                   "data-root": "/d"}),
        ("--bip", {"bip": ""}),
    ],
)  # fmt: skip
def test_it_reads_flags_as_dockerd_does(line: str, settings: dict[str, Any]) -> None:
    assert flags(line) == settings


def test_it_reads_a_unit_with_drop_ins(tmp_path: Path) -> None:
    unit, first, second = (tmp_path / name for name in ("docker.service", "a.conf", "b.conf"))
    env = tmp_path / "env"
    unit.write_text(
        "[Unit]\nExecStart=/bin/false --bip=1.1.1.1/8\n[Service]\n# ExecStart=no\n"
        "ExecStart=/usr/bin/dockerd -H fd://\n"
    )
    first.write_text(
        "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd \\\n# between\n  --icc=false \\\n"
        '  $NET --exec-root=${ROOT}/x --label="a b" $UNSET\n'
    )
    second.write_text(f"[Service]\nEnvironment=NET=no 'ROOT=/run'\nEnvironmentFile=-{env}\n")
    env.write_text("NET=--bip 10.0.0.1/24 --dns '8.8.8.8'\n")
    command = read_unit([str(unit), str(first), str(second)])
    words = command.words
    assert command.program == "/usr/bin/dockerd"
    assert [w.text for w in words] == [
        "--icc=false", "--bip", "10.0.0.1/24", "--dns", "8.8.8.8", "--exec-root=/run/x",
        "--label=a b",
    ]  # fmt: skip
    assert {w.path for w in words} == {str(first), str(env)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=--x --y\n", "--x --y"),
        ('A="--x  --y"  \n', "--x  --y"),
        ("A='a\"b'\n", 'a"b'),
        ('A="a\\"b"\n', 'a"b'),
        ("A=one \\\n  two\n", "one   two"),
        ('A="one\ntwo"\n', "one\ntwo"),
        ("A=1\nA=2\n", "2"),
        ("  A = 1 \n", "1"),
        ("export A=1\n", None),
        ("#A=1\n;A=2\n", None),
    ],
)
def test_it_reads_environment_files_as_systemd_does(
    tmp_path: Path, text: str, value: str | None
) -> None:
    path = tmp_path / "env"
    path.write_text(text)
    assert read_environment_file(str(path)).get("A") == value


SCRIPT = """#!/bin/sh
BASE=docker
DOCKERD=/usr/bin/dockerd
DOCKER_PIDFILE=/var/run/$BASE.pid
DOCKER_SSD_PIDFILE=/var/run/$BASE-ssd.pid
DOCKER_LOGFILE=/var/log/$BASE.log
DOCKER_OPTS=
touch TOUCHED
case "$1" in
start)
  start-stop-daemon --start --background --exec "$DOCKERD" --pidfile "$DOCKER_SSD_PIDFILE" \\
    -- \\
    -p "$DOCKER_PIDFILE" --icc=false \\
    $DOCKER_OPTS >> "$DOCKER_LOGFILE" 2>&1
;;
esac
"""


def test_it_reads_the_init_script_and_runs_nothing_of_it(tmp_path: Path) -> None:
    path = tmp_path / "no-such-docker"
    path.write_text(SCRIPT.replace("TOUCHED", str(tmp_path / "touched")))
    script = sysv_script(str(path))
    assert script.own_flags == ("-p", "/var/run/docker.pid", "--icc=false")
    assert (script.ssd_pidfile, script.dockerd) == ("/var/run/docker-ssd.pid", "/usr/bin/dockerd")
    assert script.docker_opts == ()
    assert script.error == ""
    assert not (tmp_path / "touched").exists()


def test_a_missing_init_script_is_an_error_and_has_the_usual_places(tmp_path: Path) -> None:
    script = sysv_script(str(tmp_path / "docker"))
    assert script.error
    assert script.ssd_pidfile == "/var/run/docker-ssd.pid"


SAVED = """# Generated by iptables-save
*filter
:DOCKER - [0:0]
-A INPUT -s 10.1.0.0/16 -j ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
-A FORWARD -j DOCKER-USER
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-USER -s 10.2.0.0/16 -j DROP
-A FORWARD -d 10.4.0.0/16 -g DOCKER-USER
COMMIT
*nat
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 10.77.0.0/24 ! -o br-1a6ed02586ba -j MASQUERADE
-A POSTROUTING -s 10.78.0.0/24 ! -o mybridge -j MASQUERADE
-A POSTROUTING -s 10.79.0.0/24 ! -o eth0 -j MASQUERADE
-A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*mangle
-A PREROUTING -s 10.5.0.0/16 -j MARK --set-xmark 0x1/0xffffffff
COMMIT
"""


def test_it_keeps_only_rules_that_are_not_dockers_and_name_an_address() -> None:
    assert foreign_rules(SAVED, {"docker0", "mybridge"}) == (
        "-t filter -A INPUT -s 10.1.0.0/16 -j ACCEPT",
        "-t filter -A DOCKER-USER -s 10.2.0.0/16 -j DROP",
        "-t filter -A FORWARD -d 10.4.0.0/16 -g DOCKER-USER",
        "-t nat -A POSTROUTING -s 10.79.0.0/24 ! -o eth0 -j MASQUERADE",
    )


def test_it_asks_resolved_for_the_servers_behind_its_stub(tmp_path: Path) -> None:
    stub, real = tmp_path / "resolv.conf", tmp_path / "resolved.conf"
    stub.write_text("# x\nnameserver 127.0.0.53\noptions edns0\nnameserver ::1\n")
    real.write_text("nameserver 192.0.2.1\nnameserver fe80::1%2\nnameserver 192.0.2.1\n")
    assert resolvers(str(stub), str(real)) == ((IPv4Address("192.0.2.1"), str(real)),)
    stub.write_text("nameserver 192.0.2.9\n")
    assert resolvers(str(stub), str(real)) == ((IPv4Address("192.0.2.9"), str(stub)),)
    assert resolvers(str(tmp_path / "none"), str(real)) == ()


@pytest.mark.parametrize(
    ("daemon", "spoken"),
    [(("1.41", "1.12"), "1.41"), (("1.49", "1.24"), "1.49"), (("1.52", "1.44"), "1.49"),
     (("1.9", "1.9"), None), (("1.60", "1.50"), None)],
)  # fmt: skip
def test_it_negotiates_the_version_of_the_api(daemon: tuple[str, str], spoken: str | None) -> None:
    answer = {"ApiVersion": daemon[0], "MinAPIVersion": daemon[1]}
    if spoken is None:
        with pytest.raises(OperationFailed, match="Docker speaks API"):
            negotiate(answer)
    else:
        assert negotiate(answer) == spoken


def test_it_reads_published_ports_as_asked_and_as_given() -> None:
    container = read_container({
        "Id": "1", "Name": "/web", "State": {"Status": "running", "Pid": 9},
        "HostConfig": {"PortBindings": {
            "80/tcp": [{"HostIp": "", "HostPort": "8080"}],
            "81/tcp": [{"HostIp": "", "HostPort": "8000-8010"}],
            "82/udp": [{"HostIp": "172.17.0.1", "HostPort": "82"}],
            "83/tcp": [{"HostIp": "::1", "HostPort": "83"}], "84/tcp": None,
        }},
        "NetworkSettings": {"Ports": {
            "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"},
                       {"HostIp": "::", "HostPort": "8080"}],
            "81/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8003"}],
        }, "Networks": {}},
    })  # fmt: skip
    assert container.publishes == (
        Publish("tcp", None, 8080, 80), Publish("tcp", None, 8003, 81),
        Publish("udp", IPv4Address("172.17.0.1"), 82, 82),
    )  # fmt: skip


def test_it_reads_a_network_with_several_subnets_and_ipv6() -> None:
    network = read_network({
        "Id": "a" * 64, "Name": "n", "Driver": "bridge", "Options": None,
        "IPAM": {"Config": [{"Subnet": "fd00::/64"}, {"Subnet": "10.1.0.0/16",
                            "Gateway": "10.1.0.1/16"}, {"Subnet": "10.2.0.0/16"}]},
    })  # fmt: skip
    assert network.subnets == (IPv4Network("10.1.0.0/16"), IPv4Network("10.2.0.0/16"))
    assert network.gateway == IPv4Address("10.1.0.1")
    assert network.bridge == "br-aaaaaaaaaaaa"
