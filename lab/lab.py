"""A whole lab: one segment and its hosts, gone when the `with` block ends, however it ends."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from lab.command import LabError, require_programs
from lab.host import LabHost
from lab.remove import runs_remove_dead
from lab.rootfs import rootfs_ready
from lab.segment import Segment
from lab.signals import deaf, sigterm_raises
from lab.state import LabRun, base_folder, run_claim
from lab.systemd import SystemdHost
from lab.sysv import SysvHost, machine_is_whole


class Lab:
    """Use as a context manager.

    Args:
        base: folder of all runs and of the cache; see `lab.state.base_folder`.

    Raises:
        LabError: no root, or a program is missing; the message says what to do.
    """

    segment: Segment

    def __init__(self, *, base: Path | None = None) -> None:
        self.base = base_folder() if base is None else base
        self.hosts: dict[str, LabHost] = {}
        self._numbers = 0
        self._signals = contextlib.ExitStack()
        self._run: LabRun | None = None

    def __enter__(self) -> Lab:
        require_programs()
        self._signals.enter_context(sigterm_raises())
        try:
            self._remove_dead_runs()
            self._run = run_claim(base=self.base)
            self.segment = Segment(self._run)
            self.segment.up()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def sysv(self, name: str, *, release: str | None = None, **options: Any) -> SysvHost:
        """Make a host with sysv init, off; options as SysvHost.

        Args:
            release: Debian's code name; by default its root is this machine's own. The first one
                of a release takes a minute: its root file system is put together.
        """
        if "lower" not in options and (release is not None or not machine_is_whole()):
            options["lower"] = self._root_of(release)
        host = SysvHost(self.segment, name, number=self._next_number(), **options)
        self.hosts[name] = host
        return host

    def systemd(self, name: str, *, release: str | None = None, **options: Any) -> SystemdHost:
        """Make a host with systemd, off; options as SystemdHost.

        Args:
            release: Debian's code name; by default this machine's own. The first one of a release
                takes a minute: its root file system is put together.
        """
        if "lower" not in options:
            options["lower"] = self._root_of(release)
        host = SystemdHost(self.segment, name, number=self._next_number(), **options)
        self.hosts[name] = host
        return host

    def boot(self, *hosts: LabHost, wait_docker: bool = True) -> None:
        """Boot these hosts, or all, at the same time, and wait until their dockerd answers."""

        def boot_one(host: LabHost) -> None:
            host.boot()
            if wait_docker:
                host.wait_docker()

        chosen = hosts or tuple(self.hosts.values())
        with ThreadPoolExecutor(max_workers=8) as pool:
            list(pool.map(boot_one, chosen))

    def remove(self, host: LabHost) -> None:
        """Destroy one host before the others."""
        host.destroy()
        self.hosts.pop(host.name, None)

    def close(self) -> None:
        """Take everything down; a second Ctrl-C meanwhile is not heard.

        Raises:
            LabError: something could not be removed; the rest was all the same.
        """
        errors: list[str] = []

        def attempt(down: Callable[[], None]) -> None:
            try:
                down()
            except (LabError, OSError) as error:
                errors.append(str(error))

        with deaf():
            with ThreadPoolExecutor(max_workers=8) as pool:
                list(pool.map(attempt, [host.destroy for host in self.hosts.values()]))
            self.hosts.clear()
            if self._run is not None:
                attempt(self.segment.down)
                # What is still there must be found by the next run, from this one's folder.
                if not errors:
                    attempt(self._run.forget)
                self._run = None
        self._signals.close()
        if errors:
            raise LabError("the lab could not be removed whole: " + "; ".join(errors))

    def _root_of(self, release: str | None) -> Path:
        return rootfs_ready(cache=self.base / "cache", release=release)

    def _remove_dead_runs(self) -> None:
        """Remove what crashed runs left; what resists is told and stands in nobody's way."""
        try:
            runs_remove_dead(base=self.base)
        except LabError as error:
            print(f"lab: {error}", file=sys.stderr)

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers
