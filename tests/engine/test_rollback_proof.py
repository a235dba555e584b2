"""The proof at the end of a rollback, and the wait for a dockerd that does not come; no host."""

from __future__ import annotations

from ipaddress import IPv4Interface
from types import SimpleNamespace
from typing import Any

import pytest

from netops.engine.context import Context
from netops.engine.errors import CheckFailed, OperationFailed
from netops.engine.ports import Inside
from netops.engine.restore import docker_start
from netops.engine.steps.remember import Remember
from tests.engine.made_hosts import container, host

OLD = "172.17.0.1/16"


class FakeClock:
    """Sleeping is what makes time pass."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Bench:
    """A host of which only the way to the outside changes."""

    def __init__(self) -> None:
        self.seen = host(containers=(container("web"),))
        self.reached_by = {"host", "web"}
        self.way_out = "eth0"
        self.said: list[str] = []
        web = self.seen.containers[0]
        self.docker: Any = SimpleNamespace(
            containers=lambda: self.seen.containers,
            networks=lambda: self.seen.networks,
            daemon=lambda: self.seen.daemon,
            start=lambda container_id: None,
            stop=lambda container_id: None,
            pause=lambda container_id: None,
        )
        self.netlink = SimpleNamespace(
            links=lambda: self.seen.links,
            addresses=lambda: self.seen.addresses,
            routes=lambda: self.seen.routes,
            inside=lambda pids: {web.pid: Inside((), (self.address(web),))},
            link_to=lambda target: self.way_out,
            reaches=lambda pid, target, timeout_s: (
                ("web" if pid == web.pid else "host") in self.reached_by
            ),
        )
        self.active = True
        service = SimpleNamespace(
            state=lambda: SimpleNamespace(active=self.active),
            start=lambda timeout_s: None,
            dependents=tuple,
            log_tail=lambda lines: "level=info\nfailed to start daemon: no bridge",
        )
        ports: Any = SimpleNamespace(docker=self.docker, netlink=self.netlink, service=service)
        self.ctx = Context(ports, self.seen.controller, self.said.append, clock=FakeClock())

    @staticmethod
    def address(web: Any) -> Any:
        return SimpleNamespace(interface=web.kernel_ipv4[0])

    def proved(self, *, reached_by: set[str]) -> None:
        step = Remember({"interface": OLD})
        saved = step.save(self.ctx)
        assert saved["host_reaches"] is ("host" in self.reached_by)
        self.reached_by = reached_by
        self.ctx.memory[step.kind] = saved
        step.undo(self.ctx, saved)


def test_it_proves_a_host_that_is_as_it_was() -> None:
    bench = Bench()
    bench.proved(reached_by={"host", "web"})
    assert bench.said == [f"docker0 has {IPv4Interface(OLD)} as before; all that ran runs again."]


def test_it_is_no_fault_of_a_rollback_that_the_whole_host_lost_its_uplink() -> None:
    bench = Bench()
    bench.proved(reached_by=set())
    assert bench.said[0].startswith("This host itself does not reach 198.51.100.1 now")


def test_a_container_that_alone_lost_the_outside_is_a_fault() -> None:
    with pytest.raises(CheckFailed, match="web does not reach"):
        Bench().proved(reached_by={"host"})


def test_a_host_that_sends_the_target_to_docker0_is_a_fault() -> None:
    bench = Bench()
    bench.way_out = "docker0"
    with pytest.raises(CheckFailed, match="web does not reach"):
        bench.proved(reached_by=set())


def test_a_host_that_never_was_answered_proves_nothing_by_its_silence() -> None:
    bench = Bench()
    bench.reached_by = {"web"}
    with pytest.raises(CheckFailed, match="web does not reach"):
        bench.proved(reached_by=set())


@pytest.mark.parametrize(("down_s", "comes"), [(2.0, True), (60.0, False)])
def test_a_dockerd_that_ended_is_not_waited_for_to_the_last(down_s: float, comes: bool) -> None:
    bench = Bench()
    bench.active = False

    def wait_until_answering(timeout_s: float, still_running: Any = None) -> None:
        clock = bench.ctx.clock
        while clock.monotonic() < timeout_s:
            if clock.monotonic() >= down_s:
                return
            if still_running and not still_running():
                raise OperationFailed("dockerd ended while it was starting.")
            clock.sleep(0.25)

    bench.docker.wait_until_answering = wait_until_answering
    if comes:
        docker_start(bench.ctx, 90.0)
    else:
        with pytest.raises(OperationFailed, match=r"ended .* dockerd says: .*: no bridge"):
            docker_start(bench.ctx, 90.0)
    assert bench.ctx.clock.monotonic() < 10
