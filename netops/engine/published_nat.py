"""The proof of ports that Dockernet publishes: packets of the host and of a client outside."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address

from attrs import frozen

from netops.engine.context import Context
from netops.engine.desired_nat import NatPublish
from netops.engine.errors import CheckFailed
from netops.engine.nat.forwarded import Fate, Forwarded, fate
from netops.engine.nat.ruleset import EMPTY, tables_of
from netops.engine.port_answer import ANSWERED, LED, OPEN, REFUSED, PortAnswer, PortProbe
from netops.engine.published import answers_of

# A packet may be lost while a bridge port learns, and others may be writing rules.
RETRY_S = 2.0
HINT = "See what drops it: `iptables -vnL FORWARD`."
NFT_HINT = "See what drops it: `nft list ruleset`."
_CLIENT_LINK = "vethdnp000000"


@frozen
class _Tried:
    """A published port, and how it answered the host and a client outside (None: not tried)."""

    publish: NatPublish
    probe: PortProbe
    host: PortAnswer
    client: PortAnswer | None

    @property
    def place(self) -> tuple[IPv4Address, int]:
        """Where packets are to be led."""
        assert self.publish.to is not None  # What is published by name is led somewhere by now.
        return self.publish.to, self.publish.to_port

    @property
    def port(self) -> str:
        """The port as people name it."""
        return f"{self.probe.protocol} {self.probe.address}:{self.probe.l4_port}"

    @property
    def to(self) -> str:
        """The place as people name it."""
        return f"{self.publish.to}:{self.publish.to_port}"


@frozen
class _Finding:
    """What came of one port; with `problem` it is not published, else `told` says how it is."""

    told: str = ""
    problem: str = ""
    hint: str = ""


def prove_published(ctx: Context, bridge: str, publishes: Sequence[NatPublish]) -> None:
    """Send packets to each port, from this host and from outside, and see where they are led.

    Whether a program answers there is only told. Raises CheckFailed where packets are led to
    somebody else, or where this host drops a client's packet or the answer to it.
    """
    probes = _probes(ctx, publishes)
    if not probes:
        return
    findings: list[_Finding] = []

    def problems() -> list[str]:
        findings[:] = [_judged(ctx, bridge, one) for one in _try(ctx, probes)]
        return [found.problem for found in findings if found.problem]

    try:
        ctx.wait(problems, RETRY_S)
    except CheckFailed as error:
        hints = [found.hint for found in findings if found.hint]
        raise CheckFailed(error.message, next(iter(hints), "")) from None
    for found in findings:
        ctx.output(found.told)


def _probes(ctx: Context, publishes: Sequence[NatPublish]) -> list[tuple[NatPublish, PortProbe]]:
    bridges = {n.bridge for n in ctx.ports.docker.networks() if n.bridge}
    own = [
        a.interface.ip
        for a in ctx.ports.netlink.addresses()
        if a.link not in bridges and not a.interface.ip.is_loopback and a.scope == "global"
    ]
    found = []
    for publish in publishes:
        address = publish.host_ip or next(iter(own), None)
        if address is None:
            ctx.output(f"This host has no address to try {publish.text} on.")
            continue
        found.append((publish, PortProbe(publish.protocol, address, publish.l4_port)))
    return found


def _try(ctx: Context, asked: Sequence[tuple[NatPublish, PortProbe]]) -> list[_Tried]:
    by_host, by_client = answers_of(ctx, [probe for _, probe in asked])
    return [
        _Tried(publish, probe, host, client)
        for (publish, probe), host, client in zip(asked, by_host, by_client, strict=True)
    ]


def _judged(ctx: Context, bridge: str, tried: _Tried) -> _Finding:
    host, client = tried.host, tried.client
    # A reset that conntrack has no trace of comes where it is told not to report events.
    if host.place != tried.place and host != PortAnswer(REFUSED):
        return _led_elsewhere(tried, host)
    if client is None or client == PortAnswer(REFUSED):
        return _told(tried, host.word)
    if client.place is not None and client.place != tried.place:
        return _led_elsewhere(tried, client)
    if client.place is None and client.word not in (OPEN, ANSWERED):
        return _dropped(ctx, tried, _forward(ctx, bridge, tried))
    if client.word == LED and host.word in (OPEN, ANSWERED, REFUSED):
        return _unanswered(ctx, tried, _forward(ctx, bridge, tried, answer=True))
    return _told(tried, client.word)


def _led_elsewhere(tried: _Tried, answer: PortAnswer) -> _Finding:
    found = f"{answer.place[0]}:{answer.place[1]}" if answer.place else "nowhere"
    port, address, text = tried.probe.l4_port, tried.probe.address, tried.publish.text
    if answer is tried.client:
        return _Finding(problem=f"From outside port {port} of {address} leads to {found}: {text}.")
    return _Finding(problem=f"Port {port} of {address} leads to {found}: {text}.")


def _dropped(ctx: Context, tried: _Tried, found: Fate) -> _Finding:
    """A client's packet came no further than FORWARD."""
    port, to = tried.port, tried.to
    if found.drop and found.others:
        return _Finding(
            told=f"Port {port} leads to {to}; a packet that was sent as from outside was dropped "
            f"by {found.drop}. A client's may pass by {found.others[0]}."
        )
    if found.drop:
        return _Finding(
            problem=f"Port {port} is closed from outside: {found.drop} drops what goes to {to}.",
            hint=HINT,
        )
    return _Finding(
        problem=f"Port {port} is closed from outside: this host drops what goes to {to}, by no "
        "rule that iptables shows.",
        hint=NFT_HINT,
    )


def _unanswered(ctx: Context, tried: _Tried, found: Fate) -> _Finding:
    """A client's packet arrived; the answer, which this host itself gets, did not come back."""
    port, to = tried.port, tried.to
    if found.drop and not found.others:
        return _Finding(
            problem=f"Port {port} is closed from outside: {found.drop} drops the answers of {to}.",
            hint=HINT,
        )
    return _Finding(
        told=f"Port {port} leads to {to}; it answers this host, but no answer came to a packet "
        "that was sent as from outside."
    )


def _told(tried: _Tried, word: str) -> _Finding:
    port, to = tried.port, tried.to
    if word in (OPEN, ANSWERED):
        return _Finding(f"Port {port} leads to {to}; a program answers.")
    if word == REFUSED:
        return _Finding(f"Port {port} leads to {to}; no program listens there yet.")
    if tried.probe.protocol == "tcp":
        return _Finding(f"Port {port} leads to {to}; nobody answers there yet.")
    return _Finding(f"Port {port} leads to {to}.")


def _forward(ctx: Context, bridge: str, tried: _Tried, *, answer: bool = False) -> Fate:
    """Return what becomes of a client's packet in FORWARD, or of the answer to it."""
    table = tables_of(ctx.ports.firewall.saved()).get("filter", EMPTY)
    shared = {"lo", bridge, *(n.bridge for n in ctx.ports.docker.networks() if n.bridge)}
    to, port = tried.place
    protocol = tried.probe.protocol
    if answer:
        states = ("ESTABLISHED", "DNAT")
        packet = Forwarded(protocol, to, port, None, None, bridge, _CLIENT_LINK, states, "-o")
    else:
        states = ("NEW", "DNAT")
        packet = Forwarded(protocol, None, None, to, port, _CLIENT_LINK, bridge, states, "-i")
    return fate(table, packet, shared)
