"""Containers that end again after they were started again; a Docker of the test's own."""

from __future__ import annotations

from ipaddress import IPv4Network
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from netops.engine.adapters.docker_read import read_container
from netops.engine.before import RanBefore
from netops.engine.context import Context
from netops.engine.errors import OperationFailed
from netops.engine.observed import Container, Publish
from netops.engine.run_again import MOST_STARTS, run_again
from netops.engine.verify import port_answers, running_problems
from tests.engine.made_hosts import container, host

SUBNET = IPv4Network("172.17.0.0/16")


class Bench:
    """One container that was stopped with the code 0; it runs for `looks` looks, then ends."""

    def __init__(self, policy: str, exit_code: int, looks: int = 0) -> None:
        was = container("batch", restart_policy=policy, publishes=(Publish("tcp", None, 80, 80),))
        self.was = RanBefore(
            was.id, was.name, was.image, was.network_mode, policy, False, False, False,
            was.endpoints, was.publishes, True, (80,),
        )  # fmt: skip
        self.running = was
        self.ended = evolve(was, state="exited", pid=0, endpoints=(), exit_code=0)
        self.now = self.ended
        self.exit_code, self.looks, self.left = exit_code, looks, 0
        self.starts = 0
        self.said: list[str] = []
        docker = SimpleNamespace(containers=self.containers, start=self.start)
        netlink = SimpleNamespace(inside=lambda pids: {}, reaches=lambda *_: False)
        ports: Any = SimpleNamespace(docker=docker, netlink=netlink)
        clock: Any = SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda seconds: None)
        self.ctx = Context(ports, host().controller, self.said.append, clock=clock)

    def containers(self) -> tuple[Container, ...]:
        if self.now.running and not self.left:
            self.now = evolve(self.ended, exit_code=self.exit_code)
        self.left -= 1
        return (self.now,)

    def start(self, container_id: str) -> None:
        self.starts += 1
        self.now, self.left = self.running, self.looks


@pytest.mark.parametrize("policy", ["no", "on-failure"])
@pytest.mark.parametrize("looks", [0, 1])
def test_a_batch_that_ends_with_0_has_run(policy: str, looks: int) -> None:
    bench = Bench(policy, 0, looks)
    assert run_again(bench.ctx, [bench.was], 30.0) == ["batch"]
    assert running_problems(bench.ctx, [bench.was], SUBNET) == []
    assert port_answers(bench.ctx, SimpleNamespace(), [bench.was]) == {}  # type: ignore[arg-type]
    # A rollback that comes after it does not run it a second time.
    assert run_again(bench.ctx, [bench.was], 30.0) == []
    assert bench.starts == 1
    assert bench.said == ["batch ran again and ended by itself with 0."]


@pytest.mark.parametrize(("policy", "exit_code"), [("no", 3), ("always", 0)])
def test_what_fails_or_is_to_run_for_ever_must_run(policy: str, exit_code: int) -> None:
    bench = Bench(policy, exit_code)
    with pytest.raises(OperationFailed, match="could not be started"):
        run_again(bench.ctx, [bench.was], 30.0)
    assert bench.starts == MOST_STARTS
    assert bench.said == []


def test_what_docker_stopped_with_0_is_started_again() -> None:
    bench = Bench("no", 0, looks=99)
    run_again(bench.ctx, [bench.was], 30.0)
    bench.now = bench.ended  # As the shutdown of Docker in a rollback does.
    run_again(bench.ctx, [bench.was], 30.0)
    assert bench.starts == 2
    assert bench.said == []


@pytest.mark.parametrize(("state", "code"), [("exited", 0), ("running", None), ("created", None)])
def test_only_an_ended_container_has_an_exit_code(state: str, code: int | None) -> None:
    data = {"Id": "a", "Name": "/a", "State": {"Status": state, "ExitCode": 0}}
    assert read_container(data).exit_code == code
