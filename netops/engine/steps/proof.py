"""After the start: containers run again, old connections are forgotten, every layer is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Interface, IPv4Network

from attrs import evolve

from netops.engine.before import Before, RanBefore, before_of
from netops.engine.context import LONGEST_POLL_S, Context
from netops.engine.errors import CheckFailed, OperationFailed
from netops.engine.identity import same_containers
from netops.engine.port_answer import OPEN, REFUSED, REJECTED, SILENT
from netops.engine.published import PROTOCOLS, forget_published
from netops.engine.restart import restart_containers, restart_limit_s, units_lost
from netops.engine.running import Running, running_known
from netops.engine.steps.base import Step
from netops.engine.verify import (
    configured_problems,
    docker_problems,
    kernel_problems,
    outside_problems,
    port_answers,
    running_problems,
)

HINT = "Look at `docker ps -a` and `docker logs NAME`."
RUNNING_S, LAYERS_S, OUTSIDE_S, PORTS_S = 30.0, 10.0, 15.0, 15.0


def running_after(ctx: Context, interface: IPv4Interface) -> Running:
    """Return what shall run after the change: all but what is bound to the old gateway."""
    running, old = running_known(ctx), before_of(ctx).interface.network
    lost = {r.id for r in running.containers if r.loses_address(old, interface.ip)}
    left = tuple(r for r in running.containers if r.id not in lost)
    return evolve(running, containers=left, left_out=tuple(sorted(lost)))


def wait_until_running(ctx: Context, interface: IPv4Interface) -> None:
    """Wait until all that ran runs with its addresses; what ends meanwhile is started again.

    A program may need one that is slower to come up. Raises CheckFailed or OperationFailed when the
    time is up.
    """
    end, again = ctx.clock.monotonic() + restart_limit_s(running_known(ctx)), False
    while True:
        expected = running_after(ctx, interface).without(())
        problems = running_problems(ctx, expected, interface.network)
        problems += units_lost(ctx, running_known(ctx).units)
        if not problems:
            ctx.outage_ends()
            if again:
                forget_published(ctx, [])
            return
        left_s = end - ctx.clock.monotonic()
        if left_s <= 0:
            raise CheckFailed(" ".join(problems))
        start_or_fail(ctx, interface, left_s)
        again = True
        ctx.clock.sleep(LONGEST_POLL_S)


def start_or_fail(ctx: Context, interface: IPv4Interface, timeout_s: float | None = None) -> None:
    """Start what ran and does not. Raises OperationFailed, naming each that could not be started.

    What somebody has removed meanwhile is told: it is theirs, and no way back would bring it again.
    """
    down = restart_containers(ctx, running_after(ctx, interface), timeout_s)
    gone = [one.name for one in down if one.gone]
    if gone:
        ctx.output(f"Removed by others during the job: {_and(gone)}.")
    lost = [str(one) for one in down if not one.gone]
    if lost:
        raise OperationFailed(" ".join(lost), HINT)


class ProofStep(Step):
    """Base of the steps that look at the new subnet; params: interface (docker0's to be)."""

    @property
    def interface(self) -> IPv4Interface:
        """docker0's own address after the change."""
        return IPv4Interface(self.text("interface"))

    def expected(self, ctx: Context) -> list[RanBefore]:
        """Return what must run after the change: neither --rm nor in a loop of restarts."""
        return running_after(ctx, self.interface).without(())

    def reach(self, ctx: Context) -> None:
        self.check(ctx)


class StartContainers(ProofStep):
    """`docker start ...`: all that ran and does not, whatever its restart policy."""

    kind = "start_containers"

    def do(self, ctx: Context) -> None:
        start_or_fail(ctx, self.interface)

    def reach(self, ctx: Context) -> None:
        self.do(ctx)
        self.check(ctx)

    def check(self, ctx: Context) -> None:
        wait_until_running(ctx, self.interface)
        if ctx.outage_s is not None:
            ctx.output(f"All that ran runs again, after {ctx.outage_s:.1f} s.")


class ForgetConnections(Step):
    """`conntrack -D`: NAT decisions of a subnet, and to published ports; params: subnet, ports.

    `ports`, which may be missing, has texts such as "udp 514". With the param `published` those
    that containers publish now count too, as some may have come since the plan, and only what is
    stale is forgotten.
    """

    kind = "forget_connections"

    def do(self, ctx: Context) -> None:
        told = self.params.get("ports")
        words = [str(text).split() for text in told] if isinstance(told, list) else []
        planned = [(protocol, int(port)) for protocol, port in words]
        subnet = IPv4Network(self.text("subnet"))
        if self.params.get("published"):
            count = forget_published(ctx, [subnet], planned)
        else:
            ports = {(PROTOCOLS[name], port) for name, port in planned}
            count = ctx.ports.netlink.forget_connections(subnet, ports)
        if not planned and not self.params.get("published"):
            ctx.output(f"Forgot {count} connections of {subnet}.")
        else:
            ctx.output(f"Forgot {count} connections of {subnet} and to published ports.")

    def reach(self, ctx: Context) -> None:
        self.do(ctx)


class VerifyLayers(ProofStep):
    """Configuration, Docker's record and kernel; params: interface."""

    kind = "verify_layers"

    def check(self, ctx: Context) -> None:
        interface = self.interface
        used = any(ran.endpoint("bridge") for ran in self.expected(ctx))

        def problems() -> list[str]:
            return (
                configured_problems(ctx.ports, interface)
                + docker_problems(ctx.ports, interface)
                + kernel_problems(ctx.ports, [interface], must_be_up=used)
            )

        ctx.wait(problems, LAYERS_S)
        ctx.output(f"Configuration, Docker and kernel agree: docker0 is {interface}.")


class VerifyContainers(ProofStep):
    """Addresses of the containers, their way out, their published ports; params: interface."""

    kind = "verify_containers"

    def check(self, ctx: Context) -> None:
        wait_until_running(ctx, self.interface)
        self._prove(ctx)

    def reach(self, ctx: Context) -> None:
        wait_until_running(ctx, self.interface)
        try:
            self._prove(ctx)
        except CheckFailed as error:
            if ctx.stopped_at is not None:
                raise
            # This way back has touched nothing: others have, flushed rules for instance.
            ctx.unproved.append(error.message)

    def _prove(self, ctx: Context) -> None:
        before, expected = before_of(ctx), self.expected(ctx)
        self._tell_addresses(ctx, expected)
        ctx.wait(lambda: outside_problems(ctx, before, expected), OUTSIDE_S)
        if any(ran.reaches for ran in expected):
            ctx.output(f"All that reached {before.target} before reach it.")
        self._check_ports(ctx, before, expected)

    def _tell_addresses(self, ctx: Context, expected: Sequence[RanBefore]) -> None:
        same = same_containers(expected, ctx.ports.docker.containers())
        for ran in expected:
            endpoint = same[ran.id].endpoint("bridge") if ran.id in same else None
            if endpoint is not None and endpoint.ipv4 is not None:
                ctx.output(f"{ran.name}: {endpoint.ipv4}")

    def _check_ports(self, ctx: Context, before: Before, expected: Sequence[RanBefore]) -> None:
        """Fail where a client loses a port; one that refuses has a way, but no program yet."""
        answers: dict[str, str] = {}

        def not_open() -> list[str]:
            fine = {name: word for name, word in answers.items() if word == OPEN}
            found = port_answers(ctx, before, expected, fine)
            answers.clear()
            answers.update({**fine, **found})
            return [name for name, word in answers.items() if word != OPEN]

        try:
            ctx.wait(not_open, PORTS_S)
        except CheckFailed:
            if not answers:
                raise  # No look came to an end.
        _raise_lost(answers)
        slow = [name for name, word in answers.items() if word == REFUSED]
        if slow:
            ctx.output(f"Bound and reached, but the program does not listen yet: {_and(slow)}.")
        elif answers:
            ctx.output(f"Published ports answer as before: {_and(list(answers))}.")


def _raise_lost(answers: Mapping[str, str]) -> None:
    lost = {word: sorted(n for n, w in answers.items() if w == word) for word in (SILENT, REJECTED)}
    problems = []
    if lost[SILENT]:
        problems.append(f"Silent, though it answered before: {_and(lost[SILENT])}.")
    if lost[REJECTED]:
        problems.append(
            f"Rejected by this host, though it answered before: {_and(lost[REJECTED])}."
        )
    if problems:
        raise CheckFailed(" ".join(problems), "See what drops it: `iptables -vnL FORWARD`.")


def _and(names: Sequence[str]) -> str:
    return ", ".join(names)
