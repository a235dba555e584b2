"""Acts on containers."""

from __future__ import annotations

import random

import attrs

from tests.faults.hosts.rounds.act import (
    FIRST_PORT,
    POLICIES,
    Act,
    chosen,
    run_command,
)
from tests.faults.hosts.rounds.model import (
    BRIDGE,
    CRASH,
    DOWN,
    HAND,
    PAUSED,
    RUNS,
    Container,
    Expected,
)

STOP = "docker stop --time 5"
PID = "docker inspect --format '{{.State.Pid}}'"


def container_make(rng: random.Random, expected: Expected) -> Act:
    """Run a new container, on the default bridge or on a network that others made."""
    number = expected.next_number()
    policy, published = rng.choice(POLICIES), rng.random() < 0.5
    network = rng.choice([BRIDGE, BRIDGE, *sorted(expected.networks)])
    port = FIRST_PORT + number if published else None
    return _made(Container(f"new{number}", policy, port, network))


def _made(container: Container) -> Act:
    def effect(expected: Expected, printed: str) -> None:
        expected.containers[container.name] = container

    return Act(run_command(container), effect)


def container_stop(rng: random.Random, expected: Expected) -> Act | None:
    """Stop one by hand."""
    container = chosen(rng, expected.settled(RUNS))
    if container is None:
        return None
    name = container.name
    return Act(f"{STOP} {name}", lambda e, _: e.containers[name].stopped(HAND))


def container_start(rng: random.Random, expected: Expected) -> Act | None:
    """Start one that is down."""
    down = [c for c in expected.settled(DOWN) if not expected.port_held(c.port)]
    container = chosen(rng, down)
    if container is None:
        return None
    name = container.name
    return Act(f"docker start {name}", lambda e, _: e.containers[name].started())


def container_remove(rng: random.Random, expected: Expected) -> Act | None:
    """Remove one for good, whatever its state."""
    container = chosen(rng, list(expected.containers.values()))
    if container is None:
        return None
    name = container.name

    def effect(expected: Expected, printed: str) -> None:
        del expected.containers[name]
        expected.gone.add(name)

    return Act(f"docker rm --force {name}", effect)


def container_replace(rng: random.Random, expected: Expected) -> Act | None:
    """Remove one and run another of the same name and options, as a manager of containers does."""
    able = [
        c
        for c in expected.containers.values()
        if not c.also and (c.state != DOWN or not expected.port_held(c.port))
    ]
    old = chosen(rng, able)
    if old is None:
        return None
    new = Container(
        old.name, old.policy, old.port, old.network, namesake=old.before or old.namesake
    )
    made = _made(new)
    return attrs.evolve(made, command=f"docker rm --force {old.name} && {made.command}")


def container_pause(rng: random.Random, expected: Expected) -> Act | None:
    """Pause one that runs, or unpause one that is paused."""
    container = chosen(rng, expected.settled(RUNS, PAUSED))
    if container is None:
        return None
    name, was = container.name, container.state

    def effect(expected: Expected, printed: str) -> None:
        expected.containers[name].state = PAUSED if was == RUNS else RUNS

    verb = "pause" if was == RUNS else "unpause"
    return Act(f"docker {verb} {name}", effect)


def container_crash(rng: random.Random, expected: Expected) -> Act | None:
    """Kill one's process: Docker starts it again, or does not, by its policy."""
    container = chosen(rng, expected.settled(RUNS))
    if container is None:
        return None
    name, policy = container.name, container.policy
    again = 'test "$now" != 0 && test "$now" != "$pid"' if policy != "no" else 'test "$now" = 0'
    command = (
        f"pid=$({PID} {name}); kill -9 $pid; for i in $(seq 50); do sleep 0.1; "
        f"now=$({PID} {name}); if {again}; then exit 0; fi; done; exit 1"
    )

    def effect(expected: Expected, printed: str) -> None:
        if policy == "no":
            expected.containers[name].stopped(CRASH)

    return Act(command, effect)


def port_take_over(rng: random.Random, expected: Expected) -> Act | None:
    """Stop one that publishes a port and run another on that port (blue and green)."""
    blue = chosen(rng, [c for c in expected.settled(RUNS) if c.port is not None])
    if blue is None:
        return None
    green = Container(f"green{expected.next_number()}", rng.choice(POLICIES), blue.port)
    made, name = _made(green), blue.name

    def effect(expected: Expected, printed: str) -> None:
        expected.containers[name].stopped(HAND)
        made.effect(expected, printed)

    return Act(f"{STOP} {name} && {made.command}", effect)
