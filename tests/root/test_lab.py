"""The lab's hosts are what they are taken for: machines with a disk, a network and Docker."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from ipaddress import IPv4Network

import pytest

from lab import Lab, LabError
from lab.host import LabHost

LISTENER = """
import socket
with socket.create_server(("", 9000)) as server:
    print("listening", flush=True)
    print(server.accept()[1][0], flush=True)
"""


def ipv4_of(host: LabHost, link: str) -> list[str]:
    shown = json.loads(host.run(["ip", "-j", "-4", "addr", "show", "dev", link]).stdout)
    return [f"{info['local']}/{info['prefixlen']}" for info in shown[0]["addr_info"]]


def fetch_outside(lab: Lab, host: LabHost, port: int, tries: int = 20) -> str:
    url = f"http://{host.address}:{port}/"
    for _ in range(tries):
        # Not wget's own -T: Debian's static busybox 1.35 crashes on it.
        argv = ["timeout", "1", "busybox", "wget", "-qO-", url]
        done = lab.segment.run_outside(argv, check=False)
        if done.returncode == 0:
            return str(done.stdout).strip()
        time.sleep(0.1)
    return ""


def docker0_recorded(host: LabHost) -> list[str]:
    """docker0's address as Docker's own record has it; the session's hosts have had others."""
    (network,) = json.loads(host.run("docker network inspect bridge").stdout)
    (config,) = network["IPAM"]["Config"]
    subnet = IPv4Network(config["Subnet"])
    return [f"{config.get('Gateway', subnet[1])}/{subnet.prefixlen}"]


def test_it_boots_with_its_own_init_and_a_real_docker0(lab_host: LabHost) -> None:
    init = {"sysv": "docker-init", "systemd": "systemd"}[lab_host.init]
    status = {"sysv": "service docker status", "systemd": "systemctl is-active docker"}
    assert lab_host.read("/proc/1/comm").strip() == init
    assert lab_host.run(status[lab_host.init]).returncode == 0
    assert lab_host.run("hostname").stdout.strip() == lab_host.name
    assert ipv4_of(lab_host, "docker0") == docker0_recorded(lab_host)
    assert ipv4_of(lab_host, "eth0") == [f"{lab_host.address}/24"]


def test_its_router_keeps_its_mac_when_hosts_come_and_go(
    lab: Lab, new_host: Callable[..., LabHost]
) -> None:
    def mac() -> str:
        shown = lab.segment.run_outside(["ip", "-j", "link", "show", "dev", "br0"]).stdout
        return str(json.loads(shown)[0]["address"])

    expected = "02:00:" + lab.segment.router_address.packed.hex(":")
    assert mac() == expected
    host = new_host("sysv", boot=False)
    host.boot()
    assert mac() == expected
    host.power_off()
    assert mac() == expected


def test_it_runs_python_as_an_enrolled_host_must(lab_host: LabHost) -> None:
    script = "import ssl, sqlite3, ctypes, sys; print(sys.version_info >= (3, 11))"
    assert lab_host.run(["/usr/bin/python3", "-I", "-c", script]).stdout.strip() == "True"


def test_it_lets_a_container_out_through_the_hosts_nat(lab: Lab, lab_host: LabHost) -> None:
    lab_host.start_container("c1")
    outside = str(lab.segment.router_address)
    lab_host.run(["docker", "exec", "c1", "ping", "-c1", "-W2", outside])
    listener = lab.segment.popen_outside([sys.executable, "-c", LISTENER], stdout=-1, text=True)
    try:
        assert listener.stdout.readline().strip() == "listening"
        lab_host.run(["docker", "exec", "c1", "nc", "-w1", outside, "9000"], check=False)
        assert listener.stdout.readline().strip() == str(lab_host.address)
    finally:
        listener.kill()
        listener.wait()


def test_it_answers_outside_on_a_published_port(lab: Lab, lab_host: LabHost) -> None:
    lab_host.start_container("web", publish=["8080:80"])
    assert fetch_outside(lab, lab_host, 8080) == "web"


def test_it_reaches_a_site_in_the_root_namespace(lab: Lab, lab_host: LabHost) -> None:
    with socket.create_server((str(lab.segment.site_address), 0)) as server:
        port, peers = server.getsockname()[1], []
        accepting = threading.Thread(target=lambda: peers.append(server.accept()[1][0]))
        accepting.start()
        script = f"import socket; socket.create_connection(('site', {port}), 3)"
        lab_host.run(["python3", "-c", script])
        accepting.join(5)
    assert peers == [str(lab_host.address)]


def test_it_keeps_its_disk_and_nothing_else_over_a_power_loss(lab: Lab, lab_host: LabHost) -> None:
    lab_host.start_container("web", restart="always", publish=["8080:80"])
    lab_host.write("/etc/dockernet/kept", "on disk", mode=0o600)
    lab_host.write("/run/gone", "in memory")
    lab_host.run("ip addr add 192.168.99.1/24 dev docker0; iptables -N LABTEST; sync")
    boot_id = lab_host.read("/proc/sys/kernel/random/boot_id")
    lab_host.power_off()
    assert fetch_outside(lab, lab_host, 8080, tries=1) == ""
    assert lab_host.read("/etc/dockernet/kept") == "on disk"
    lab_host.boot()
    lab_host.wait_docker()
    assert fetch_outside(lab, lab_host, 8080) == "web"
    assert lab_host.run("stat -c %a /etc/dockernet/kept; cat /etc/dockernet/kept").stdout == (
        "600\non disk"
    )
    assert lab_host.run("test -e /run/gone || iptables -L LABTEST", check=False).returncode == 1
    assert ipv4_of(lab_host, "docker0") == docker0_recorded(lab_host)
    assert lab_host.read("/proc/sys/kernel/random/boot_id") != boot_id


def test_it_takes_a_file_while_it_is_off(lab_host: LabHost) -> None:
    lab_host.power_off()
    lab_host.write("/etc/docker/daemon.json", '{"bip": "10.77.0.1/24"}')
    lab_host.boot()
    lab_host.wait_docker()
    assert ipv4_of(lab_host, "docker0") == ["10.77.0.1/24"]
    lab_host.write("/etc/docker/daemon.json", '{"bip": "172.17.0.1/16"}')
    lab_host.reboot()
    lab_host.wait_docker()
    assert ipv4_of(lab_host, "docker0") == ["172.17.0.1/16"]


def test_it_shuts_down_in_good_order_at_a_reboot(lab_host: LabHost) -> None:
    trap = "trap 'echo bye > /out/said; exit 0' TERM; while :; do sleep 0.1; done"
    lab_host.start_container("c1", args=["-v", "/srv/out:/out"], command=["sh", "-c", trap])
    time.sleep(0.3)
    lab_host.reboot()
    assert lab_host.read("/srv/out/said") == "bye\n"
    lab_host.run("rm -r /srv/out")


def test_it_starts_enabled_sysv_services_after_docker(
    new_host: Callable[..., LabHost],
) -> None:
    host = new_host("sysv")
    script = """#!/bin/sh
### BEGIN INIT INFO
# Provides: dockernet-agent
# Required-Start: $remote_fs docker
# Required-Stop: $remote_fs docker
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
echo "$1 $(test -e /run/docker-ssd.pid && echo docker)" >> /var/log/agent-seen
"""
    host.write("/etc/init.d/dockernet-agent", script, mode=0o755)
    host.run("update-rc.d dockernet-agent defaults")
    host.power_off()
    host.boot()
    assert host.read("/var/log/agent-seen") == "start docker\n"
    host.run("update-rc.d dockernet-agent remove; rm /etc/init.d/dockernet-agent")
    host.reboot()
    assert "start docker\nstart" not in host.read("/var/log/agent-seen")


def test_it_is_cut_off_and_plugged_in_again(lab: Lab, lab_host: LabHost) -> None:
    lab_host.start_container("web", publish=["8080:80"])
    assert fetch_outside(lab, lab_host, 8080) == "web"
    lab_host.cut_uplink()
    assert lab_host.read("/sys/class/net/eth0/carrier").strip() == "0"
    assert fetch_outside(lab, lab_host, 8080, tries=1) == ""
    assert ipv4_of(lab_host, "eth0") == [f"{lab_host.address}/24"]
    lab_host.restore_uplink()
    assert fetch_outside(lab, lab_host, 8080) == "web"


@pytest.mark.parametrize("init", ["sysv", "systemd"])
def test_it_uses_legacy_iptables_if_asked(new_host: Callable[..., LabHost], init: str) -> None:
    host = new_host(init, legacy_iptables=True, daemon_json={"bip": "10.9.0.1/24"})
    rule = "-A POSTROUTING -s 10.9.0.0/24 ! -o docker0 -j MASQUERADE"
    assert "legacy" in host.run("iptables -V").stdout
    assert rule in host.run("iptables-legacy -t nat -S").stdout
    assert rule not in host.run("iptables-nft -t nat -S").stdout


def test_it_honours_docker_opts_on_sysv(new_host: Callable[..., LabHost]) -> None:
    host = new_host("sysv", docker_opts="--bip 10.8.0.1/24")
    assert ipv4_of(host, "docker0") == ["10.8.0.1/24"]


def test_it_kills_what_takes_too_long_and_says_what_failed(lab_host: LabHost) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        lab_host.run("sleep 4711", timeout=0.3)
    with pytest.raises(LabError, match="No such file"):
        lab_host.run("ls /nowhere")
    assert lab_host.run("pgrep -x sleep -a | grep 4711", check=False).returncode == 1
