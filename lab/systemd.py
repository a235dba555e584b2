"""A full host: systemd is pid 1, with journal, socket activation and unit files. Boots in seconds.

docker.service, docker.socket and containerd.service are Debian's own.
"""

from __future__ import annotations

import os
import re
import signal
import time
import uuid
from collections.abc import Mapping

from lab.cgroups import require_cgroup2
from lab.command import LabError
from lab.host import LabHost

# systemd 258 removed cgroup v1 and refuses to boot where any hierarchy of it is mounted (its NEWS).
_CGROUP2_ALONE_SINCE = 258

# The clock, the modules, the disks and the consoles are the machine's; nothing is to be updated.
_MASKED = (
    "systemd-sysctl.service",
    "systemd-modules-load.service",
    "systemd-timesyncd.service",
    "systemd-logind.service",
    "systemd-random-seed.service",
    "systemd-pstore.service",
    "console-getty.service",
    "getty.target",
    "fstrim.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "systemd-tmpfiles-clean.timer",
    "dev-hugepages.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "sys-kernel-config.mount",
    "sys-fs-fuse-connections.mount",
    "proc-sys-fs-binfmt_misc.automount",
)


class SystemdHost(LabHost):
    """A host whose root lies over a tree that `lab.rootfs` makes; arguments as LabHost."""

    init = "systemd"

    def _install(
        self,
        legacy_iptables: bool,
        daemon_json: str | Mapping[str, object] | None,
        docker_opts: str | None,
    ) -> None:
        super()._install(legacy_iptables, daemon_json, docker_opts)
        # Without one, systemd takes each boot for the first and enables what presets say.
        self.disk.write("/etc/machine-id", f"{uuid.uuid4().hex}\n")
        units = "/etc/systemd/system"
        for unit in _MASKED:
            self.disk.symlink(f"{units}/{unit}", "/dev/null")
        target = "/lib/systemd/system/multi-user.target"
        self.disk.symlink(f"{units}/default.target", target)

    def _init_argv(self) -> list[str]:
        return ["/lib/systemd/systemd", "--system", "--show-status=no"]

    def _cgroups_shown(self) -> str:
        if self._version() < _CGROUP2_ALONE_SINCE:
            return "machine"
        require_cgroup2()
        return "cgroup2"

    def _version(self) -> int:
        """Return systemd's version, by the name of the library that comes with each."""
        for path in self.disk.lower.glob("usr/lib/*/systemd/libsystemd-shared-*.so"):
            return int(re.findall(r"\d+", path.name)[0])
        raise LabError(f"there is no systemd in {self.disk.lower}")

    def _booted(self) -> bool:
        if not self._seen("/run/systemd/private").exists():
            return False
        state = self.run(["systemctl", "is-system-running"], check=False).stdout.strip()
        return state in ("running", "degraded")

    def _shut_down(self, timeout: float) -> None:
        # systemd(1): SIGRTMIN+4 is `systemctl poweroff`; it ends the pid namespace, no more.
        os.kill(self.pid1, signal.SIGRTMIN + 4)
        deadline = time.monotonic() + timeout
        while self.powered and time.monotonic() < deadline:
            time.sleep(0.02)
