"""How long services will be away: what an approver is told before, from parts that were measured.

The parts are medians on real engines in the lab (bench/outage). What is known of this host goes
in: its init, how many containers it runs, and which of them will not react to their stop signal.
A pid 1 that neither catches nor waits for it never sees it (pid_namespaces(7)), so that Docker
waits for the whole stop timeout: that is counted in full. A container of which this is not known
counts as one that reacts. What a program needs to be ready after its start is not known, and not
counted.
"""

from __future__ import annotations

from collections.abc import Sequence

from netops.engine.observed import Container

DEFAULT_STOP_S = 10.0
# dockerd's own end and start with nothing running, in seconds, by init.
STOP_S = {"sysv": 0.15, "systemd": 0.25}
START_S = {"sysv": 1.5, "systemd": 0.8}
NETLINK_S = 0.05
CONTAINERS_STOP_S = 0.4
CONTAINER_START_S = 0.12


def stop_timeout_s(container: Container) -> float:
    """Return how long Docker waits for a container before it kills it, in seconds."""
    return DEFAULT_STOP_S if container.stop_timeout is None else float(container.stop_timeout)


def expected_outage_s(manager: str, running: Sequence[Container]) -> float:
    """Return the expected outage in seconds, to a tenth; `running` are all running containers."""
    stop = STOP_S.get(manager, STOP_S["systemd"])
    start = START_S.get(manager, START_S["systemd"])
    if not running:
        return round(stop + NETLINK_S + start, 1)
    deaf = [stop_timeout_s(c) for c in running if c.heeds_stop_signal is False]
    containers = max([CONTAINERS_STOP_S, *deaf]) + CONTAINER_START_S * len(running)
    return round(stop + NETLINK_S + start + containers, 1)


def stop_limit_s(running: Sequence[Container]) -> float:
    """Return how long dockerd may take to stop, in seconds, before it counts as hung.

    dockerd gives its containers the longest of their stop timeouts and 15 s (shutdown-timeout).
    """
    return max([15.0, *(stop_timeout_s(c) for c in running)]) + 45.0


def start_limit_s(running: Sequence[Container]) -> float:
    """Return how long dockerd may take to start, in seconds, before the change is undone."""
    return 90.0 + 1.0 * len(running)
