"""The real host behind `ports`: netlink, the Docker API, files, init, firewall."""

from __future__ import annotations

from pathlib import Path

from netops.engine.ports import HostPorts


def host_ports() -> HostPorts:
    """Return the adapters of this host: systemd's where it is the init (sd_booted(3)), else sysv's.

    Third-party modules are imported when they are first used.
    """
    from netops.engine.adapters.docker_api import DockerEngine
    from netops.engine.adapters.docker_config import DockerConfig
    from netops.engine.adapters.facts import LinuxFacts
    from netops.engine.adapters.firewall import LinuxFirewall
    from netops.engine.adapters.forwarding import LinuxForwarding
    from netops.engine.adapters.nat_settings import NatFile
    from netops.engine.adapters.netlink import LinuxNetlink
    from netops.engine.adapters.service_systemd import SystemdService
    from netops.engine.adapters.service_sysv import SysvService

    service = SystemdService() if Path("/run/systemd/system").is_dir() else SysvService()
    docker = DockerEngine(service.pid)
    return HostPorts(
        netlink=LinuxNetlink(),
        docker=docker,
        config=DockerConfig(service.pid),
        service=service,
        firewall=LinuxFirewall(docker, service.pid),
        facts=LinuxFacts(),
        nat=NatFile(),
        forwarding=LinuxForwarding(),
    )
