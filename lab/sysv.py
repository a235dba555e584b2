"""A light host: init is a script, services are /etc/init.d scripts. Boots in about a second."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from pathlib import Path

from lab.command import LabError
from lab.host import LabHost
from lab.segment import Segment

_FILES = 1048576  # What /etc/init.d/docker asks for with `ulimit -n`.

# All that the host sees of the machine: its programs, their settings and the packages' records.
_SHOWN = {"bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "var"}
_OWN_ROOT = ("root", "home", "mnt", "tmp", "run", "proc", "sys", "dev", "opt", "srv", "media")
_OWN = (
    "/usr/local",
    "/var/cache",
    "/var/log",
    "/var/spool",
    "/var/tmp",
    "/var/backups",
    "/var/lib/docker",
    "/var/lib/containerd",
    "/var/lib/dockernet",
    "/var/lib/dockernet-lab",
    "/etc/docker",
    "/etc/dockernet",
    "/etc/systemd/system",
    "/etc/cron.d",
    *(f"/etc/rc{level}.d" for level in "0123456S"),
)

_RC = """#!/bin/sh
# Runlevel 2 of the lab host: start what is enabled, in order, then be there for ever.
for script in /etc/rc2.d/S*; do
    [ -x "$script" ] && "$script" start
done
: > /run/lab-booted
exec sleep infinity
"""

_RC_STOP = """#!/bin/sh
# Runlevel 6 of the lab host: stop what is enabled, in order, then end what is left.
for script in /etc/rc6.d/K*; do
    [ -x "$script" ] && "$script" stop
done
kill -TERM -1
sleep 0.2
sync
"""


class SysvHost(LabHost):
    """A host whose root lies over the machine's own, or over a tree of `lab.rootfs`.

    Over the machine's own, nothing needs to be downloaded.

    `service docker start|stop|status`, DOCKER_OPTS and update-rc.d work as on any sysv host. At
    boot docker starts, and then each service that is enabled in /etc/rc2.d.
    """

    init = "sysv"

    def __init__(
        self,
        segment: Segment,
        name: str,
        *,
        number: int,
        lower: Path = Path("/"),
        legacy_iptables: bool = False,
        daemon_json: str | Mapping[str, object] | None = None,
        docker_opts: str | None = None,
    ) -> None:
        super().__init__(
            segment,
            name,
            number=number,
            lower=lower,
            legacy_iptables=legacy_iptables,
            daemon_json=daemon_json,
            docker_opts=docker_opts,
        )

    def _install(
        self,
        legacy_iptables: bool,
        daemon_json: str | Mapping[str, object] | None,
        docker_opts: str | None,
    ) -> None:
        for entry in self.disk.lower.iterdir():
            if entry.is_dir() and not entry.is_symlink() and entry.name not in _SHOWN:
                self.disk.hide(f"/{entry.name}")
        for name in _OWN_ROOT:
            self.disk.hide(f"/{name}")
        for path in _OWN:
            self.disk.hide(path)
        super()._install(legacy_iptables, daemon_json, docker_opts)
        self.disk.write("/usr/local/sbin/lab-rc", _RC, 0o755)
        self.disk.write("/usr/local/sbin/lab-rc-stop", _RC_STOP, 0o755)
        self._install_docker()

    def _install_docker(self) -> None:
        """Enable the docker service, as its package does on a machine with sysv init."""
        script = self.disk.lower / "etc/init.d/docker"
        if not script.exists():
            raise LabError("there is no /etc/init.d/docker: apt-get install docker.io")
        if not _may_raise_limits():
            lines = script.read_text().splitlines(keepends=True)
            kept = [":\n" if line.lstrip().startswith("ulimit ") else line for line in lines]
            self.disk.write("/etc/init.d/docker", "".join(kept), 0o755)
        for level in "2345":
            self.disk.symlink(f"/etc/rc{level}.d/S01docker", "../init.d/docker")
        for level in "016":
            self.disk.symlink(f"/etc/rc{level}.d/K01docker", "../init.d/docker")

    def _init_argv(self) -> list[str]:
        return ["docker-init", "-s", "--", "/usr/local/sbin/lab-rc"]

    def _booted(self) -> bool:
        return self._seen("/run/lab-booted").exists()

    def _shut_down(self, timeout: float) -> None:
        # The last TERM of the script may end the script's own way in, so its status says nothing.
        self.run(["/usr/local/sbin/lab-rc-stop"], timeout=timeout, check=False)


def machine_is_whole() -> bool:
    """Whether this machine's root file system can lie under a host: nothing of it mounted apart.

    An overlay does not see what is mounted below its lower folder.
    """
    apart = ["/usr", "/etc", "/var", "/var/lib", "/lib", "/bin", "/sbin"]
    return not any(Path(path).is_mount() for path in apart)


def _may_raise_limits() -> bool:
    """Whether a host may have as many open files as the script wants, without which it ends."""
    has_cap = 1 << 24  # CAP_SYS_RESOURCE, linux/capability.h
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:") and int(line.split()[1], 16) & has_cap:
            return True
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= _FILES
