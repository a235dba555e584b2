"""What happens to the containers of the host, and who else would notice."""

from __future__ import annotations

from collections.abc import Iterator

from netops.engine.basis import publish_text
from netops.engine.findings.overlaps import names_old_subnet
from netops.engine.findings.subnet_case import SubnetCase, info, listed, warning
from netops.engine.nat.ruleset import OWN
from netops.engine.observed import Container, Publish
from netops.engine.plan import Finding


def removed(case: SubnetCase) -> Iterator[Finding]:
    """`docker run --rm`: the container is deleted as soon as it stops."""
    for container in case.running:
        if container.auto_remove:
            message = (
                f"{container.name} runs with --rm: Docker deletes it, with what is written in it, "
                "as soon as it stops. Start it again without --rm, wait until it is done, or "
                "accept its loss."
            )
            yield case.blocker("removes-container", message, container.name)


def bound_to_old(container: Container, case: SubnetCase) -> list[str]:
    """Return the published ports that are bound to an address which goes away."""
    return [
        publish_text(p)
        for p in container.publishes
        if p.host_ip is not None
        and case.old_subnet is not None
        and p.host_ip in case.old_subnet
        and p.host_ip != case.desired.gateway
    ]


def host_ip_bound(case: SubnetCase) -> Iterator[Finding]:
    """A container that publishes on the old gateway does not start again."""
    for container in case.running:
        for publish in bound_to_old(container, case):
            message = (
                f"{container.name} publishes {publish}, on an address of the old subnet "
                f"{case.old_subnet}: it cannot start once that address is gone. Create it anew "
                "without that address, or accept that it stays stopped."
            )
            yield case.blocker("host-ip-bound", message, container.name)


def controller_through_bridge(case: SubnetCase) -> Iterator[Finding]:
    """The connection that reports the job goes through what is being changed."""
    link = case.observed.controller.link
    if link in case.docker_links:
        message = (
            f"This host reaches the Dockernet site through {link}, a bridge of Docker: the live "
            "lines stop during the change and are delivered afterwards."
        )
        yield warning("controller-through-bridge", message, link)


def rules_name_old(case: SubnetCase) -> Iterator[Finding]:
    """Rules that people made for the old subnet do nothing for the new one; our own follow it."""
    for rule in case.observed.firewall.rules:
        if names_old_subnet(rule, case) and OWN not in rule:
            message = (
                f"A firewall rule names the old subnet {case.old_subnet} and stays as it is: {rule}"
            )
            yield warning("rules-name-old-subnet", message, rule)


def restarts(case: SubnetCase) -> Iterator[Finding]:
    """The whole engine restarts, so containers of every network do."""
    if case.running:
        names = listed([c.name for c in case.running])
        message = (
            f"Docker itself restarts, and with it every running container of every network "
            f"({len(case.running)}): {names}. Docker gives addresses in the order in which "
            "containers start; the addresses shown are expected and may be swapped among them."
        )
        yield info("restarts-containers", message)


def starts_unmanaged(case: SubnetCase) -> Iterator[Finding]:
    """Docker leaves these stopped after a restart."""
    names = [c.name for c in case.running if c.restart_policy in ("", "no") and not c.auto_remove]
    if names:
        # A sentence for each number: a translation has to know where the names end.
        message = (
            f"{names[0]} has no restart policy: Docker would leave it stopped, so Dockernet starts "
            "it again itself."
            if len(names) == 1
            else f"{listed(names)} have no restart policy: Docker would leave them stopped, so "
            "Dockernet starts them again itself."
        )
        yield info("starts-unmanaged-containers", message, listed(names))


def starts_stopped(case: SubnetCase) -> Iterator[Finding]:
    """Stopped by hand, started by dockerd all the same."""
    names = [c.name for c in case.started_by_docker]
    if names:
        message = (
            f"{names[0]} is stopped but has the restart policy “always”: Docker starts such "
            "containers whenever it starts itself, and Dockernet stops it again."
            if len(names) == 1
            else f"{listed(names)} are stopped but have the restart policy “always”: Docker starts "
            "such containers whenever it starts itself, and Dockernet stops them again."
        )
        yield warning("starts-stopped-containers", message, listed(names))


def ports_contested(case: SubnetCase) -> Iterator[Finding]:
    """Docker starts both at its own start, and whoever is first gets the port."""
    for stopped in case.started_by_docker:
        for ran in case.running:
            ports = [
                publish_text(p)
                for p in ran.publishes
                if any(_same_port(p, other) for other in stopped.publishes)
            ]
            if ports:
                message = (
                    f"{stopped.name} is stopped and wants a port that {ran.name} has "
                    f"({listed(ports)}). Docker starts both when it starts; Dockernet stops "
                    f"{stopped.name} again and sees that {ran.name} has its port."
                )
                yield warning("port-contested", message, stopped.name)


def _same_port(one: Publish, other: Publish) -> bool:
    """Return whether only one of the two can be bound."""
    same = (one.protocol, one.host_port) == (other.protocol, other.host_port)
    return same and (None in (one.host_ip, other.host_ip) or one.host_ip == other.host_ip)


def restarting(case: SubnetCase) -> Iterator[Finding]:
    """A container that does not stay up proves nothing, before or after."""
    for container in case.running:
        if container.looping:
            message = (
                f"{container.name} keeps restarting; it is left to Docker's restart policy, and "
                "its state does not decide whether the change has succeeded."
            )
            yield warning("container-restarting", message, container.name)


def slow_to_stop(case: SubnetCase) -> Iterator[Finding]:
    """A pid 1 that ignores the stop signal makes everybody wait for its stop timeout."""
    deaf = [c for c in case.running if c.heeds_stop_signal is False]
    if deaf:
        longest = max(10 if c.stop_timeout is None else c.stop_timeout for c in deaf)
        message = (
            f"{listed([c.name for c in deaf])} will not react to the stop signal: Docker waits up "
            f"to {longest} s, then kills. It is part of the expected outage; --init or a handler "
            "for the signal would avoid it."
        )
        yield warning("ignores-stop-signal", message, listed([c.name for c in deaf]))


def live_restore(case: SubnetCase) -> Iterator[Finding]:
    """With live-restore, dockerd ignores a new bip while anything runs."""
    if case.observed.daemon.live_restore:
        message = (
            "live-restore is on: Docker would silently ignore the new subnet while any container "
            "runs, so all of them are stopped first and started again afterwards."
        )
        yield info("live-restore", message)
