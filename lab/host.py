"""A lab host: a machine made of namespaces, with a disk that outlives its power."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.cgroups import cgroups_create, cgroups_release, cgroups_remove
from lab.command import HOST_PATH, LabError, LabProcess, run, start
from lab.containers import ContainerMixin
from lab.disk import Disk
from lab.enter import enter_argv, host_kill
from lab.process import ProcessId, children
from lab.segment import Segment

_BOOT = Path(__file__).with_name("boot.sh")


class LabHost(ContainerMixin):
    """What the hosts of both inits have in common.

    Args:
        segment: the network that eth0 is plugged into.
        name: the host's name, unique in its run; letters, digits and hyphens.
        number: the host's number in its run, for the names of its links.
        lower: the root file system that the host's own disk lies over; never written to.
        legacy_iptables: iptables is iptables-legacy, as an administrator would have chosen.
        daemon_json: /etc/docker/daemon.json before the first boot: text, or an object.
        docker_opts: DOCKER_OPTS in /etc/default/docker before the first boot.
    """

    init = ""

    def __init__(
        self,
        segment: Segment,
        name: str,
        *,
        number: int,
        lower: Path,
        legacy_iptables: bool = False,
        daemon_json: str | Mapping[str, object] | None = None,
        docker_opts: str | None = None,
    ) -> None:
        self.segment = segment
        self.name = name
        self.address = segment.next_address()
        self.namespace = f"{segment.run.prefix}{name}"
        self.folder = segment.run.folder / "hosts" / name
        self.disk = Disk(self.folder, lower)
        self._port = f"{segment.run.prefix}h{number}"
        self._cgroups: list[Path] = []
        self._launcher: LabProcess | None = None
        self._pid1: ProcessId | None = None
        self.disk.create()
        self._install(legacy_iptables, daemon_json, docker_opts)

    @property
    def pid1(self) -> int:
        """The pid, in the root namespace, of the host's init.

        Raises:
            LabError: the host is powered off.
        """
        if self._pid1 is None or not self._pid1.alive():
            raise LabError(f"{self.name} is powered off")
        return self._pid1.pid

    @property
    def powered(self) -> bool:
        """Whether the host's init runs."""
        return self._pid1 is not None and self._pid1.alive()

    def boot(self, timeout: float = 60.0) -> None:
        """Switch the power on and wait until init has started the services it has to.

        dockerd may take a moment longer: see `wait_docker`.

        Raises:
            LabError: init ended or is not through after `timeout` seconds; with its console.
        """
        if self.powered:
            raise LabError(f"{self.name} is powered on already")
        deadline = time.monotonic() + timeout
        self._power_on()
        while True:
            self._fail_if(not self.powered, "its init ended")
            if self._booted():
                return
            self._fail_if(time.monotonic() > deadline, f"not up after {timeout:g} s")
            time.sleep(0.02)

    def power_off(self) -> None:
        """Pull the plug: kill -9 of init, and of all that ran below it, with no goodbye.

        The kernel's network state goes too, as on a real machine; the disk stays.
        """
        if self._pid1 is not None:
            host_kill(self._pid1, self._cgroups)
            self._pid1 = None
        if self._launcher is not None:
            self._launcher.kill()
            self._launcher.wait()
            self._launcher = None
        self.segment.unplug(port=self._port, namespace=self.namespace)
        cgroups_remove(self._cgroups)
        self._record()

    def reboot(self, timeout: float = 60.0) -> None:
        """Shut down in good order, as init does it, and boot."""
        self._shut_down(timeout)
        self.power_off()
        self.boot(timeout)

    def cut_uplink(self) -> None:
        """Pull the network cable: eth0 stays, with its address, but has no carrier."""
        self.segment.port_set(self._port, up=False)

    def restore_uplink(self) -> None:
        """Put the network cable back."""
        self.segment.port_set(self._port, up=True)

    def run(
        self,
        command: str | Sequence[str],
        *,
        timeout: float = 60.0,
        check: bool = True,
        input: str | bytes | None = None,
        text: bool = True,
    ) -> subprocess.CompletedProcess:  # type: ignore[type-arg]
        """Run a program, or a line of shell, inside the host as root, to its end.

        Raises:
            LabError: the host is off, or (with `check`) the exit status is not 0.
            subprocess.TimeoutExpired: it took longer than `timeout` seconds; it is killed.
        """
        return run(self._enter(command), timeout=timeout, check=check, input=input, text=text)

    def popen(self, command: str | Sequence[str], **options: object) -> LabProcess:
        """Start a program, or a line of shell, inside the host; options as subprocess.Popen."""
        return start(self._enter(command), **options)

    def enter_argv(self, argv: Sequence[str]) -> list[str]:
        """The command line by which `argv` runs inside the host, for programs that start it."""
        return enter_argv(self.pid1, self._cgroups, argv)

    def read(self, path: str) -> str:
        """The text of the host's file `path`, be the host on or off."""
        if not self.powered:
            return self.disk.read(path)
        return str(self.run(["cat", path]).stdout)

    def write(self, path: str, data: str | bytes, mode: int = 0o644) -> None:
        """Replace the host's file `path`, be the host on or off; folders are made as needed."""
        if not self.powered:
            self.disk.write(path, data, mode)
            return
        script = (
            'set -e; mkdir -p "$(dirname "$1")"; cat > "$1.lab-part"; '
            'chmod "$2" "$1.lab-part"; mv "$1.lab-part" "$1"'
        )
        self.run(["sh", "-c", script, "lab-write", path, f"{mode:o}"], input=data)

    def console(self) -> str:
        """What init and the boot have printed since the first boot."""
        log = self.folder / "console.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def destroy(self) -> None:
        """Power off and throw the disk away."""
        self.power_off()
        self.disk.remove()

    def _init_argv(self) -> list[str]:
        raise NotImplementedError

    def _cgroups_shown(self) -> str:
        return "machine"

    def _booted(self) -> bool:
        raise NotImplementedError

    def _shut_down(self, timeout: float) -> None:
        raise NotImplementedError

    def _install(
        self,
        legacy_iptables: bool,
        daemon_json: str | Mapping[str, object] | None,
        docker_opts: str | None,
    ) -> None:
        """Write what makes the disk this host's, before the first boot."""
        self.disk.write("/etc/hostname", f"{self.name}\n")
        self.disk.write(
            "/etc/hosts",
            f"127.0.0.1 localhost\n127.0.1.1 {self.name}\n{self.segment.site_address} site\n",
        )
        self.disk.write("/etc/resolv.conf", f"nameserver {self.segment.router_address}\n")
        if legacy_iptables:
            for tool in ("iptables", "ip6tables"):
                for part in ("", "-save", "-restore"):
                    target = f"/usr/sbin/{tool}-legacy{part}"
                    self.disk.symlink(f"/etc/alternatives/{tool}{part}", target)
        if daemon_json is not None:
            text = daemon_json if isinstance(daemon_json, str) else json.dumps(dict(daemon_json))
            self.disk.write("/etc/docker/daemon.json", text)
        opts = "" if docker_opts is None else f'DOCKER_OPTS="{docker_opts}"\n'
        self.disk.write("/etc/default/docker", f"# Settings of the sysv service docker\n{opts}")

    def _power_on(self) -> None:
        shown = self._cgroups_shown()
        self._cgroups = cgroups_create(self.namespace)
        self._record()
        self.segment.plug(port=self._port, namespace=self.namespace, address=self.address)
        argv = [
            "nsenter",
            f"--net=/run/netns/{self.namespace}",
            "unshare",
            "-m",
            "-p",
            "-u",
            "-i",
            "-C",
            "--fork",
            "--kill-child",
            "sh",
            str(_BOOT),
            str(self.folder),
            str(self.disk.lower),
            self.name,
            shown,
            *self._init_argv(),
        ]
        joined = [
            "sh",
            "-c",
            'for cg in $LAB_CGROUPS; do echo 0 > "$cg/cgroup.procs"; done; '
            'unset LAB_CGROUPS; exec "$@"',
            "lab-launch",
            *argv,
        ]
        with (self.folder / "console.log").open("ab") as console:
            self._launcher = start(
                joined,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                cwd="/",
                env={"PATH": HOST_PATH, "LAB_CGROUPS": " ".join(map(str, self._cgroups))},
            )
        self._find_init()
        cgroups_release(self._cgroups, self._launcher.pid)

    def _find_init(self) -> None:
        """Wait for the launcher's child, which is the first process of the new pid namespace."""
        assert self._launcher is not None
        while self._pid1 is None:
            self._fail_if(self._launcher.poll() is not None, "its namespaces were not made")
            for pid in children(self._launcher.pid):
                self._pid1 = ProcessId.of(pid)
            time.sleep(0.002)
        self._record()

    def _record(self) -> None:
        """Write what `lab exec` and a clean-up need to know, whole or not at all."""
        if not self.folder.exists():
            return  # Destroyed: there is nothing left to know.
        data = {
            "name": self.name,
            "init": self.init,
            "address": str(self.address),
            "namespace": self.namespace,
            "cgroups": [str(folder) for folder in self._cgroups],
            "pid1": [self._pid1.pid, self._pid1.started] if self._pid1 else None,
        }
        part = self.folder / "host.json.part"
        part.write_text(json.dumps(data))
        part.rename(self.folder / "host.json")

    def _seen(self, path: str) -> Path:
        """The host's `path` from here, be the host on or just gone; only where no link is."""
        return Path(f"/proc/{self._pid1.pid if self._pid1 else 0}/root{path}")

    def _enter(self, command: str | Sequence[str]) -> list[str]:
        argv = ["sh", "-c", command] if isinstance(command, str) else list(command)
        return self.enter_argv(argv)

    def _fail_if(self, failed: bool, why: str) -> None:
        if failed:
            tail = "\n".join(self.console().splitlines()[-15:])
            with contextlib.suppress(LabError):
                self.power_off()
            raise LabError(f"{self.name} did not boot: {why}\n{tail}")
