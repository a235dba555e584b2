"""What NAT each Docker network of a host should have, and what is there. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

import attrs
from attrs import frozen

from netops.engine.nat.audit_setting import astray, mended
from netops.engine.nat.edits import missing_of
from netops.engine.nat.own import NAT, POSTROUTING, comment_mark, own_rules
from netops.engine.nat.places import places_of
from netops.engine.nat.ruleset import ENDING, Line, Table, network_of, table_of
from netops.engine.nat_setting import NatSetting, setting_for
from netops.engine.observed import DockerNetwork, Observed
from netops.engine.serial import Json

PRESENT, MISSING, DUPLICATE, SHADOWED, GONE, WRONG_FAMILY = (
    "present", "missing", "duplicate", "shadowed", "subnet-gone", "wrong-family",
)  # fmt: skip
DOCKER, DOCKERNET, OTHERS, NOBODY = "docker", "dockernet", "others", "nobody"
_TRANSLATES = ("MASQUERADE", "SNAT")


@frozen
class NatEntry:
    """NAT of one subnet. `network` is Docker's name for it, "" where no network has the subnet.

    `by` says whose rules decide: docker, dockernet, others or nobody. `expected` is what it should
    have, in words; `state` one of the constants above; `rules` the lines that were looked at;
    `mend` the specification of a change that mends it, None where nothing is wrong or where only
    the owner of a rule can (`hint` then has the command).
    """

    network: str
    bridge: str
    subnet: IPv4Network
    by: str
    expected: str
    state: str
    message: str
    rules: tuple[str, ...] = ()
    mend: dict[str, Json] | None = None
    hint: str = ""


def audit(observed: Observed) -> tuple[NatEntry, ...]:
    """Return an entry for each subnet of a Docker bridge, then one for each that is left over.

    Raises SpecInvalid or ValueError for settings that no host of ours would report.
    """
    if observed.firewall.backend == "":
        return ()
    table = table_of(observed.firewall.nat)
    entries = [
        _entry(observed, table, network, subnet)
        for network in observed.networks
        if network.bridge
        for subnet in network.subnets
    ]
    return (*entries, *_left_over(observed, table))


def _entry(
    observed: Observed, table: Table, network: DockerNetwork, subnet: IPv4Network
) -> NatEntry:
    setting = setting_for(observed.nat.settings, subnet)
    if setting is not None:
        return _of_setting(observed, table, network, setting)
    found = _translations(table, subnet)
    rules = tuple(f"-A {r.chain} {r.text}" for r in found)
    wanted = not network.internal and network.masquerade
    by = _owner(found, network)
    entry = NatEntry(
        network=network.name,
        bridge=network.bridge,
        subnet=subnet,
        by=by,
        expected="MASQUERADE" if wanted else "no translation",
        state=PRESENT,
        message="",
        rules=rules,
    )
    return _judged(entry, observed, found, wanted)


def _judged(entry: NatEntry, observed: Observed, found: list[Line], wanted: bool) -> NatEntry:
    subnet, bridge = entry.subnet, entry.bridge
    other = [t for t in observed.firewall.other_nat if f"-s {subnet} " in t]
    mend: dict[str, Json] = {"subnet": str(subnet), "mode": "masquerade"}
    if not wanted:
        message = f"{entry.network} is to keep its source addresses: nothing translates them."
        if found:
            message = (
                f"{entry.network} is to keep its source addresses, but a rule translates them."
            )
        return attrs.evolve(entry, message=message)
    if observed.firewall.backend == "docker-nftables" and not found:
        message = "Docker translates it in its own nftables tables, which iptables does not show."
        return attrs.evolve(entry, by=DOCKER, message=message)
    if not found and other:
        message = (
            f"The rule for {subnet} is in the other iptables family than dockerd's, where it "
            "may not count."
        )
        return attrs.evolve(
            entry, state=WRONG_FAMILY, message=message, mend=mend, rules=tuple(other)
        )
    if not found:
        message = f"Nothing translates {subnet}: its containers do not reach past this host."
        return attrs.evolve(entry, state=MISSING, message=message, mend=mend)
    if len({r.identity for r in found}) < len(found):
        message = f"The same rule for {subnet} stands more than once; the later ones never decide."
        hint = f"iptables -t nat -D POSTROUTING {found[-1].text}"
        return attrs.evolve(entry, state=DUPLICATE, message=message, hint=hint)
    if not any(r.value("-o") != bridge for r in found):
        return attrs.evolve(entry, state=MISSING, message="No rule is for the way out.", mend=mend)
    message = f"Packets of {subnet} leave with an address of this host."
    return attrs.evolve(entry, message=message)


def _owner(found: list[Line], network: DockerNetwork) -> str:
    if not found:
        return NOBODY
    options = found[0].options
    dockers = options.get("-o") == (True, (network.bridge,)) and "--comment" not in options
    return DOCKER if dockers else OTHERS


def _translations(table: Table, subnet: IPv4Network) -> list[Line]:
    """Rules of POSTROUTING that translate this very subnet on its way out, in order.

    Not Docker's and our rules for a container that asks for its own port (source = destination).
    """
    return [
        r
        for r in table.chain("POSTROUTING")
        if r.target in _TRANSLATES and r.source == subnet and "-d" not in r.options
    ]


def _of_setting(
    observed: Observed, table: Table, network: DockerNetwork, setting: NatSetting
) -> NatEntry:
    desired, wanted = setting.desired, own_rules(observed.nat.settings)[NAT]
    lacking = missing_of(table, wanted)
    mark = comment_mark(desired.subnet)
    own = tuple(f"-A {r.chain} {r.text}" for r in table.rules if mark in r.text)
    target = f"SNAT to {desired.to_source}" if desired.to_source else desired.mode.upper()
    state, message = PRESENT, f"As change {setting.change_id} set it."
    mend: dict[str, Json] | None = None
    hint = ""
    before = _before_ours(table)
    if any("not where it decides" in text for text in lacking) and before:
        state = SHADOWED
        message = f"Another rule decides before ours: -A POSTROUTING {before[0].text}."
        mend = setting.spec
    elif lacking:
        state, mend = MISSING, setting.spec
        message = f"Not as it was set: {'; '.join(lacking)}."
    elif lost := tuple(astray(setting, places_of(observed))):
        state, message = MISSING, " ".join(one.message for one in lost)
        hint = "; ".join(one.hint for one in lost if one.hint)
        if any(one.mends for one in lost):
            mend = mended(setting, places_of(observed))
    return NatEntry(
        network=network.name,
        bridge=network.bridge,
        subnet=desired.subnet,
        by=DOCKERNET,
        expected="no translation" if desired.mode == "none" else target,
        state=state,
        message=message,
        rules=own,
        mend=mend,
        hint=hint,
    )


def _before_ours(table: Table) -> list[Line]:
    found: list[Line] = []
    for rule in table.chain("POSTROUTING"):
        if rule.target == POSTROUTING:
            return found
        if rule.target in ENDING:
            found.append(rule)
    return found


def _left_over(observed: Observed, table: Table) -> Iterator[NatEntry]:
    """Rules and settings for subnets that no Docker network has any more."""
    known = {subnet for network in observed.networks for subnet in network.subnets}
    for setting in observed.nat.settings:
        subnet = network_of(str(setting.spec.get("subnet")))
        if subnet is not None and subnet not in known and observed.daemon.running:
            yield NatEntry(
                network="",
                bridge=setting.bridge,
                subnet=subnet,
                by=DOCKERNET,
                expected="nothing",
                state=GONE,
                message=f"Set by change {setting.change_id}; no Docker network has {subnet} now.",
                mend={"subnet": str(subnet), "mode": "none"},
            )
    seen = set()
    for rule in table.chain("POSTROUTING"):
        subnet, link = rule.source, rule.options.get("-o")
        bridge = link[1][0] if link and link[0] and link[1] else ""
        looks_dockers = bridge == "docker0" or bridge.startswith("br-")
        if not (
            rule.target == "MASQUERADE" and subnet and looks_dockers and "-d" not in rule.options
        ):
            continue
        if subnet in known or subnet in seen or not observed.daemon.running:
            continue
        seen.add(subnet)
        yield NatEntry(
            network="",
            bridge=bridge,
            subnet=subnet,
            by=OTHERS,
            expected="nothing",
            state=GONE,
            message=f"A rule for {subnet}, which no Docker network has now; Docker left it behind.",
            rules=(f"-A POSTROUTING {rule.text}",),
            hint=f"iptables -t nat -D POSTROUTING {rule.text}",
        )
