"""Record observations of real hosts for the engine's tests: `python -m tests.root.record`.

Boots a host for each recording, brings it into its state, and writes what `observe` saw to
tests/engine/recorded/NAME.json. Run it as root when `Observed` gains a field.
"""

from __future__ import annotations

import json
from pathlib import Path

from lab import Lab
from lab.host import LabHost
from tests.root.in_host import engine_install
from tests.root.on_host import on

FOLDER = Path(__file__).parents[1] / "engine/recorded"


def containers_start(host: LabHost) -> None:
    """The four restart policies, and what else a host has that makes a change harder."""
    image = host.load_image()
    host.start_container("web", restart="always", publish=["8080:80"])
    host.start_container("db", restart="unless-stopped", publish=["127.0.0.1:5432:5432"])
    host.start_container("job", restart="on-failure:3", args=["--stop-timeout", "30"])
    host.start_container("plain", publish=["9000-9001:9000-9001/udp"])
    host.run(f"docker run -d --rm --name temporary {image} sleep 86400")
    host.run("docker network create --subnet 10.77.0.0/24 front")
    host.start_container("proxy", args=["--network", "front", "--ip", "10.77.0.9"])
    host.run("docker network connect bridge proxy")
    host.start_container("host-mode", args=["--network", "host"], command=["sleep", "86400"])
    host.run(f"docker run -d --init --name sidecar --network container:web {image} sleep 86400")
    host.start_container("frozen")
    host.run("docker pause frozen")
    host.run(f"docker create --name never {image}")


def surroundings_make(host: LabHost) -> None:
    """Routes and firewall rules of somebody else."""
    host.run("ip route add 10.99.0.0/16 dev eth0 table 100")
    segment = host.segment
    hops = f"nexthop via {segment.site_address} nexthop via {segment.router_address}"
    host.run(f"ip route add 10.97.0.0/16 {hops}")
    host.run("iptables -A INPUT -s 172.17.0.0/16 -j ACCEPT")
    host.run("iptables -I DOCKER-USER -s 10.1.1.1 -j DROP")


def record(host: LabHost, name: str) -> None:
    """Write what the host is now."""
    engine_install(host)
    site = host.segment.site_address
    seen = on(host, f'result = to_json(observe(ports, Controller((IPv4Address("{site}"),))))')
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(seen, indent=1, ensure_ascii=False) + "\n")
    print(path)


def main() -> None:
    """Make all recordings."""
    with Lab() as lab:
        sysv, systemd = lab.sysv("sysv"), lab.systemd("systemd")
        options = lab.sysv(
            "options", docker_opts="--bip=172.18.0.1/24 --mtu 1400", legacy_iptables=True
        )
        settings = lab.systemd(
            "settings",
            daemon_json='{\n  "bip": "172.19.0.1/24",\n'
            '  "live-restore": true,\n  "dns": ["192.0.2.53"]\n}\n',
        )
        lab.boot()
        for host in (sysv, systemd, options, settings):
            containers_start(host)
            surroundings_make(host)
            record(
                host,
                {"options": "sysv_docker_opts", "settings": "systemd_daemon_json"}.get(
                    host.name, host.name
                ),
            )
        sysv.write("/etc/docker/daemon.json", '{"bip": "172.17.0.1/16",}\n')
        record(sysv, "sysv_broken_json")
        on(systemd, "ports.service.stop(60); result = 0")
        record(systemd, "systemd_stopped")


if __name__ == "__main__":
    main()
