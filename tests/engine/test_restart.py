"""What runs again after Docker was stopped, and what does not; a Docker of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve

from netops.engine.adapters.docker_read import read_container
from netops.engine.before import RanBefore, ran_of
from netops.engine.context import Context
from netops.engine.errors import OperationFailed
from netops.engine.identity import same_containers
from netops.engine.observed import Container, Publish
from netops.engine.restart import REFUSED_S, restart_containers
from netops.engine.running import (
    NOTE,
    STOPPED_BY_US,
    Running,
    memory_of,
    running_known,
    running_note,
)
from netops.engine.serial import to_json
from netops.engine.verify import port_answers, running_problems
from tests.engine.made_hosts import container, host

SUBNET = IPv4Network("172.17.0.0/16")
COMPOSE = "com.docker.compose."


class Clock:
    """Sleeping is what makes time pass."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Docker:
    """Containers by name; `behave[name](container)` is what becomes of one that is started."""

    def __init__(self, *there: Container) -> None:
        self.there = {c.name: c for c in there}
        self.behave: dict[str, Callable[[Container], Container]] = {}
        self.calls: list[str] = []
        self.look: Callable[[], None] = lambda: None

    def containers(self) -> tuple[Container, ...]:
        self.look()
        return tuple(self.there.values())

    def daemon(self) -> Any:
        return SimpleNamespace(running=True)

    def _by_id(self, container_id: str) -> Container:
        return next(c for c in self.there.values() if c.id == container_id)

    def start(self, container_id: str) -> None:
        c = self._by_id(container_id)
        self.calls.append(f"start {c.name}")
        self.there[c.name] = self.behave.get(c.name, run)(c)

    def stop(self, container_id: str, timeout_s: int | None = None) -> None:
        c = self._by_id(container_id)
        self.calls.append(f"stop {c.name}")
        self.there[c.name] = stopped(c)

    def pause(self, container_id: str) -> None:
        c = self._by_id(container_id)
        self.there[c.name] = evolve(c, state="paused")


def run(c: Container) -> Container:
    return evolve(c, state="running", pid=7, exit_code=None, manually_stopped=None)


def stopped(c: Container, code: int = 0, *, by_hand: bool = False) -> Container:
    return evolve(c, state="exited", pid=0, exit_code=code, manually_stopped=by_hand)


def refuse(c: Container) -> Container:
    raise OperationFailed(f"docker start {c.name}: the port is taken")


class Bench:
    """A job's surroundings over that Docker."""

    def __init__(self, *there: Container) -> None:
        self.docker = Docker(*there)
        self.clock = Clock()
        self.said: list[str] = []
        self.units_down: list[str] = []
        service = SimpleNamespace(
            dependents=lambda: ("web.service",) if not self.units_down else (),
            units_down=lambda names: tuple(self.units_down),
            units_failed=lambda names: (),
            units_start=lambda names: self.units_down.clear(),
        )
        netlink = SimpleNamespace(inside=lambda pids: {}, reaches=lambda *_: False)
        ports: Any = SimpleNamespace(docker=self.docker, netlink=netlink, service=service)
        self.ctx = Context(ports, host().controller, self.said.append, clock=self.clock)

    def restart(self, *ran: Container, **more: Any) -> list[str]:
        """Make those run again that ran; return the names of those that do not."""
        running = Running("2026-01-01T00:00:00+00:00", tuple(ran_of(c) for c in ran), **more)
        self.ctx.memory[NOTE] = to_json(running)
        return [one.name for one in restart_containers(self.ctx, running)]

    @property
    def runs(self) -> list[str]:
        return [c.name for c in self.docker.there.values() if c.running]


def test_one_that_is_gone_or_refused_keeps_no_other_down() -> None:
    web, bad, gone = container("web"), container("bad"), container("gone")
    bench = Bench(stopped(web), stopped(bad))
    bench.docker.behave["bad"] = refuse
    assert sorted(bench.restart(web, bad, gone)) == ["bad", "gone"]
    assert bench.runs == ["web"]
    # A refusal may pass; it is tried again with longer and longer pauses, not for ever.
    assert 3 <= bench.docker.calls.count("start bad") <= 8
    assert bench.clock.now < REFUSED_S + 3


def test_a_program_that_waits_for_another_gets_the_whole_time() -> None:
    app = container("app", restart_policy="no")
    bench = Bench(stopped(app))
    ready_s = 20.0

    def crash_until_ready(c: Container) -> Container:
        return run(c) if bench.clock.now > ready_s else stopped(c, 3)

    bench.docker.behave["app"] = crash_until_ready
    assert bench.restart(app) == []
    assert ready_s < bench.clock.now < 32
    assert len(bench.docker.calls) < 12


def test_a_program_that_always_fails_is_named_with_its_command() -> None:
    app = container("app", restart_policy="no")
    bench = Bench(stopped(app))
    bench.docker.behave["app"] = lambda c: stopped(c, 3)
    running = Running("", (ran_of(app),))
    (one,) = restart_containers(bench.ctx, running)
    assert str(one) == ("app could not be started: It is exited again. Run: `docker start app`.")


def test_what_was_stopped_is_stopped_again_before_others_start() -> None:
    green, blue = container("green"), container("blue", restart_policy="always")
    bench = Bench(stopped(green), run(blue))
    assert bench.restart(green, stopped=(blue.id,)) == []
    assert bench.docker.calls == ["stop blue", "start green"]
    assert bench.said == ["Stopped again, as before: blue.", "Started: green."]


def test_what_started_between_the_look_and_the_stop_runs_again() -> None:
    late = evolve(stopped(container("late")), finished_at="2026-01-01T00:00:01Z")
    old = evolve(stopped(container("old")), finished_at="2025-12-31T00:00:01Z")
    halted = evolve(late, id="h" * 64, name="halted", manually_stopped=True)
    batch = evolve(late, id="b" * 64, name="batch", finished_at="2026-01-01T00:00:09Z")
    bench = Bench(late, old, halted, batch)
    bench.ctx.memory["docker_up"] = {"at": "2026-01-01T00:00:05+00:00"}
    assert bench.restart(stopped=(old.id,)) == []
    assert bench.runs == ["late"]
    assert [r.name for r in running_known(bench.ctx).containers] == ["late"]


def test_what_the_change_leaves_out_is_not_taken_for_started_meanwhile() -> None:
    bound = evolve(stopped(container("bound")), finished_at="2026-01-01T00:00:01Z")
    bench = Bench(bound)
    assert bench.restart(left_out=(bound.id,)) == []
    assert bench.docker.calls == []


def test_one_in_a_loop_of_restarts_is_started_once_and_not_waited_for() -> None:
    loop = evolve(container("loop", restart_policy="unless-stopped"), state="restarting")
    bench = Bench(stopped(loop, 3))
    bench.docker.behave["loop"] = lambda c: stopped(c, 3)
    assert bench.restart(loop) == []
    assert bench.docker.calls == ["start loop"]


def test_units_that_went_down_with_docker_start_first() -> None:
    bench = Bench()
    bench.units_down = ["web.service"]
    assert bench.restart(units=("web.service",)) == []
    assert bench.said == ["Units that stop with Docker run again: web.service."]


def test_compose_services_start_in_their_order() -> None:
    labels = {f"{COMPOSE}project": "shop"}
    db = evolve(container("shop-db-1"), labels={**labels, f"{COMPOSE}service": "db"})
    needs = {f"{COMPOSE}service": "app", f"{COMPOSE}depends_on": "db:service_healthy:false"}
    app = evolve(container("shop-app-1"), labels={**labels, **needs})
    bench = Bench(stopped(app), stopped(db))
    bench.docker.behave["shop-db-1"] = lambda c: evolve(run(c), health="starting")

    def look() -> None:
        found = bench.docker.there["shop-db-1"]
        if bench.clock.now > 5 and found.running:
            bench.docker.there["shop-db-1"] = evolve(found, health="healthy")

    bench.docker.look = look
    assert bench.restart(app, db) == []
    assert bench.docker.calls == ["start shop-db-1", "start shop-app-1"]
    assert 5 < bench.clock.now < 6


def test_the_old_task_of_a_swarm_is_never_started() -> None:
    labels = {"com.docker.swarm.service.id": "s1", "com.docker.swarm.task.id": "t1"}
    task = evolve(container("web.1.t1"), labels=labels)
    fresh = evolve(container("web.1.t2"), id="f" * 64, labels={**labels, "x": ""})
    bench = Bench(stopped(task))

    def look() -> None:
        if bench.clock.now > 3:
            bench.docker.there["web.1.t2"] = fresh

    bench.docker.look = look
    assert bench.restart(task) == []
    assert bench.docker.calls == []


@pytest.mark.parametrize(
    ("found", "same"),
    [
        (container("web"), True),
        (evolve(container("web"), id="n" * 64), True),
        (evolve(container("other"), id="n" * 64), False),
    ],
)
def test_a_container_is_the_same_by_id_or_by_name(found: Container, same: bool) -> None:
    ran = ran_of(container("web"))
    assert (ran.id in same_containers([ran], [found])) is same


# The look right before a stop.


def noted(bench: Bench, *ran: Container, **more: Any) -> Running:
    known = Running("2026-01-01T00:00:00+00:00", tuple(ran_of(c) for c in ran), **more)
    bench.ctx.memory[NOTE] = to_json(known)
    return running_note(bench.ctx)


def names(running: Running) -> list[str]:
    return [r.name for r in running.containers]


def test_a_look_takes_what_others_started_and_leaves_what_they_stopped() -> None:
    web, halted, crashed = container("web"), container("halted"), container("crashed")
    bench = Bench(
        run(container("new")), run(web), stopped(halted, by_hand=True), stopped(crashed, 1)
    )
    bench.ctx.memory["returned"] = {}
    seen = noted(bench, web, halted, crashed, container("removed"))
    assert names(seen) == ["crashed", "new", "web"]
    assert seen.stopped == (halted.id,)
    assert seen.units == ("web.service",)


def test_a_look_before_any_stop_leaves_what_has_ended() -> None:
    bench = Bench(run(container("web")), stopped(container("backup")))
    assert names(running_note(bench.ctx)) == ["web"]


def test_a_new_look_ends_what_was_returned_also_in_another_process() -> None:
    notes = [("running", {"at": "1"}), ("returned", {"at": "2"}), ("running", {"at": "3"})]
    assert memory_of(notes) == {"running": {"at": "3"}}
    assert memory_of([("stopped_by_us", {}), ("returned", {})]) == {"returned": {}}


def test_a_look_amid_the_outage_takes_nothing_for_stopped_by_others() -> None:
    web = container("web")
    bench = Bench(stopped(web, by_hand=True))
    bench.ctx.memory[STOPPED_BY_US] = {}
    assert names(noted(bench, web)) == ["web"]


def test_a_look_long_after_the_job_takes_what_runs_then_and_keeps_it() -> None:
    web, old = container("web"), container("old")
    bench = Bench(run(web), stopped(old, 1))
    bench.ctx.reopened = True
    bench.ctx.memory["returned"] = {}
    assert names(noted(bench, web, old)) == ["web"]
    # Docker is stopped by now: a second look of the same way back does not lose it.
    bench.docker.there["web"] = stopped(web)
    assert names(running_note(bench.ctx)) == ["web"]


# Batches.


def batch(policy: str) -> Container:
    return container("batch", restart_policy=policy, publishes=(Publish("tcp", None, 80, 80),))


@pytest.mark.parametrize("policy", ["no", "on-failure"])
def test_a_batch_that_ends_with_0_has_run(policy: str) -> None:
    was = batch(policy)
    bench, ran = Bench(stopped(was)), evolve(ran_of(was, True), answered=(80,))
    bench.docker.behave["batch"] = lambda c: stopped(c, 0)
    assert bench.restart(was) == []
    assert running_problems(bench.ctx, [ran], SUBNET) == []
    assert port_answers(bench.ctx, SimpleNamespace(), [ran]) == {}  # type: ignore[arg-type]
    # A rollback that comes after it does not run it a second time.
    assert bench.restart(was) == []
    assert bench.docker.calls == ["start batch"]
    assert "batch ran again and ended by itself with 0." in bench.said


def test_one_that_is_to_run_for_ever_must_run() -> None:
    was = batch("always")
    bench = Bench(stopped(was))
    bench.docker.behave["batch"] = lambda c: stopped(c, 0)
    assert bench.restart(was) == ["batch"]


@pytest.mark.parametrize(("state", "code"), [("exited", 0), ("running", None), ("created", None)])
def test_only_an_ended_container_has_an_exit_code(state: str, code: int | None) -> None:
    data = {"Id": "a", "Name": "/a", "State": {"Status": state, "ExitCode": 0}}
    assert read_container(data).exit_code == code


def test_a_paused_one_is_paused_again() -> None:
    frozen = evolve(container("frozen"), state="paused")
    bench = Bench(stopped(frozen))
    assert bench.restart(frozen) == []
    assert bench.docker.there["frozen"].state == "paused"


def test_ran_before_can_be_read_from_a_journal_without_labels() -> None:
    data = to_json(ran_of(container("web")))
    del data["labels"]
    from netops.engine.serial import from_json

    assert from_json(RanBefore, data).labels == {}
