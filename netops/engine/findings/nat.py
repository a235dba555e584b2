"""All findings about a NAT change, blockers first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address

from netops.engine.desired_nat import MASQUERADE, NatPublish
from netops.engine.findings.nat_case import NatCase, blocker, warning
from netops.engine.findings.nat_source import source
from netops.engine.findings.nat_targets import targets
from netops.engine.plan import BLOCKER, INFO, WARNING, Finding

NEEDED = ("Links", "Addresses", "Routes", "Networks", "Containers", "Firewall", "Docker", "NAT")


def firewall(case: NatCase) -> Iterator[Finding]:
    """Without iptables there is nothing to set rules with; rules that could not be read are told
    by `complete`."""
    unread = any(problem.startswith("Firewall") for problem in case.observed.problems)
    if case.observed.firewall.backend == "" and not unread:
        message = (
            "This host has no iptables that dockerd would use. Install it (Debian: apt install "
            "iptables), then ask for a new plan."
        )
        yield blocker("firewall-unavailable", message)


def complete(case: NatCase) -> Iterator[Finding]:
    """What could not be looked at cannot be ruled out."""
    for problem in case.observed.problems:
        if problem.startswith(NEEDED):
            message = (
                f"A part of this host that decides could not be looked at: {problem} Mend that, "
                "then ask for a new plan."
            )
            yield blocker("observation-incomplete", message, problem)
    if case.observed.firewall.left_out:
        message = (
            f"The table nat has {case.observed.firewall.left_out} rules more than a plan can look "
            "at, so that where ours would stand among them is not certain."
        )
        yield blocker("observation-incomplete", message)


def subnet_unknown(case: NatCase) -> Iterator[Finding]:
    """NAT is for the subnet of a bridge that is there."""
    removing = case.desired.empty and case.setting is not None
    if case.network is None and not removing and case.observed.daemon.running:
        known = ", ".join(str(s) for n in case.observed.networks if n.bridge for s in n.subnets)
        message = (
            f"No Docker network of this host has the subnet {case.desired.subnet}; there are "
            f"{known or 'none'}."
        )
        yield blocker("subnet-unknown", message, str(case.desired.subnet))


def no_change(case: NatCase) -> Iterator[Finding]:
    """The host has this already."""
    missing = any(case.edits(name, own) for name, own in case.wanted.items())
    if case.same_setting() and not missing and (case.network or case.desired.empty):
        if case.desired.empty:
            message = f"Nothing of Dockernet's is set for {case.desired.subnet}."
        else:
            message = (
                f"{case.desired.subnet} has this NAT setting already, and its rules are there."
            )
        yield blocker("no-change", message, str(case.desired.subnet))


def interface(case: NatCase) -> Iterator[Finding]:
    """A rule for a link that is not there never matches."""
    name = case.desired.out_interface
    links = [link.name for link in case.observed.links]
    if not name:
        return
    if name not in links:
        shown = ", ".join(n for n in links if not n.startswith("veth") and n != "lo")
        message = f"This host has no interface {name}; there are {shown}."
        yield blocker("interface-unknown", message, name)
    elif name == case.bridge:
        message = f"{name} is the bridge of {case.desired.subnet} itself, not a way out of it."
        yield blocker("interface-unknown", message, name)


def ports_taken(case: NatCase) -> Iterator[Finding]:
    """Ours would take the packets away from whoever has the port now."""
    for publish in case.desired.publish:
        who = _holder(case, publish)
        if who:
            message = f"Port {publish.l4_port}/{publish.protocol} is taken: {who}."
            yield blocker("port-taken", message, publish.text)


def _holder(case: NatCase, wished: NatPublish) -> str:
    def meets(protocol: str, address: IPv4Address | None, l4_port: int) -> bool:
        same = (protocol, l4_port) == (wished.protocol, wished.l4_port)
        return same and (None in (address, wished.host_ip) or address == wished.host_ip)

    for container in case.observed.containers:
        for p in container.publishes:
            if container.running and meets(p.protocol, p.host_ip, p.host_port):
                return f"{container.name} publishes it"
    for setting in case.observed.nat.settings:
        if setting != case.setting and any(p.overlaps(wished) for p in setting.desired.publish):
            return f"change {setting.change_id} publishes it for {setting.subnet}"
    for listener in case.observed.listeners:
        if meets(listener.protocol, listener.address, listener.l4_port):
            return "a program of this host listens there"
    return ""


def published_on(case: NatCase) -> Iterator[Finding]:
    """Packets to an address that is not the host's are not for it."""
    own = {a.interface.ip for a in case.observed.addresses}
    for publish in case.desired.publish:
        if publish.host_ip is not None and publish.host_ip not in own:
            message = (
                f"This host does not have {publish.host_ip}: port {publish.l4_port} is open only "
                "for packets that somebody sends through this host."
            )
            yield warning("publish-address-not-on-host", message, publish.text)


def docker_does(case: NatCase) -> Iterator[Finding]:
    """Docker's own rules do it; ours stand before them."""
    desired = case.desired
    plain = desired.mode == MASQUERADE and not desired.out_interface and not desired.exclude
    if plain and case.docker_translates:
        message = (
            f"Docker itself translates {desired.subnet} with the same rule. With ours it would be "
            "done by Dockernet, also where Docker's rule is lost."
        )
        yield warning("docker-already-does-this", message, str(desired.subnet))
    if desired.docker_chain and case.docker_rules:
        message = "Docker itself makes the chain DOCKER and the jumps to it; they are left alone."
        yield warning("docker-already-does-this", message, "DOCKER")


def exposes(case: NatCase) -> Iterator[Finding]:
    """Who can connect to the port."""
    for publish in case.desired.publish:
        where, port = publish.host_ip, f"{publish.l4_port}/{publish.protocol}"
        if where is None:
            message = (
                f"Port {port} is open on every address of this host, for everybody who reaches "
                "one. Publish it on one address to narrow this."
            )
        elif where.is_private:
            continue
        else:
            message = (
                f"Port {port} is open on the public address {where}, for everybody who reaches "
                "it. Publish it on a private address to narrow this."
            )
        yield warning("exposes-port-publicly", message, publish.text)


def front_ends(case: NatCase) -> Iterator[Finding]:
    """Programs that manage the firewall, and may rewrite it."""
    for name in case.observed.firewall.front_ends:
        message = (
            f"{name} manages this host's firewall. Its own rules are not touched; when it rewrites "
            "the tables, Dockernet puts its rules back within seconds."
        )
        yield warning(f"{name}-active", message, name)


def both_families(case: NatCase) -> Iterator[Finding]:
    """Rules in the other family are not seen from this one, and decide all the same."""
    count = len(case.observed.firewall.other_nat)
    if count:
        used = case.observed.firewall.backend
        message = (
            f"The table nat of the other iptables family has {count} rules too (dockerd uses "
            f"{used}). Both families decide about the same packets, in an order that is hard to "
            "foresee."
        )
        yield warning("legacy-and-nft-both-in-use", message)


def drops_connections(case: NatCase) -> Iterator[Finding]:
    """The kernel translates a connection as it did its first packet, until it is forgotten."""
    message = (
        f"Open connections between {case.desired.subnet} and the outside are forgotten, so that "
        "the new rules hold for all at once: those that are translated otherwise now break."
    )
    yield Finding("drops-connections", INFO, message)


def forwarding(case: NatCase) -> Iterator[Finding]:
    """The host does not forward packets yet."""
    if not case.observed.ip_forward and not case.desired.empty:
        message = "This host does not forward packets between its links yet; the change lets it."
        yield warning("switches-forwarding-on", message)


ALL: tuple[Callable[[NatCase], Iterable[Finding]], ...] = (
    firewall, complete, subnet_unknown, no_change, source, interface, targets, ports_taken,
    published_on, docker_does, exposes, front_ends, both_families, forwarding, drops_connections,
)  # fmt: skip
_RANK = {BLOCKER: 0, WARNING: 1, INFO: 2}


def findings_of(case: NatCase) -> tuple[Finding, ...]:
    """Return every finding about the case: blockers, then warnings, then information."""
    found = [finding for look in ALL for finding in look(case)]
    return tuple(sorted(found, key=lambda finding: _RANK[finding.severity]))
