"""From settings to rules: the chains of ours that a host shall have, and where they hang.

::

    nat     PREROUTING, OUTPUT ─► DOCKERNET-PREROUTING, -OUTPUT   published ports, jump to DOCKER
            POSTROUTING        ─► DOCKERNET-POSTROUTING           what keeps its source; SNAT
    filter  FORWARD            ─► DOCKERNET-FORWARD               only what would be dropped
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network

from attrs import field, frozen

from netops.engine.desired_nat import MASQUERADE, NONE, DesiredNat, NatPublish
from netops.engine.nat.rule import Rule
from netops.engine.nat_setting import NatSetting
from netops.engine.serial import Json

NAT, FILTER = "nat", "filter"
PREROUTING, OUTPUT, POSTROUTING = (
    "DOCKERNET-PREROUTING", "DOCKERNET-OUTPUT", "DOCKERNET-POSTROUTING",
)  # fmt: skip
FORWARD = "DOCKERNET-FORWARD"
PARENTS = {PREROUTING: "PREROUTING", OUTPUT: "OUTPUT", POSTROUTING: "POSTROUTING",
           FORWARD: "FORWARD"}  # fmt: skip
DOCKER = "DOCKER"
JUMP_COMMENT = "dockernet"


@frozen
class OwnTable:
    """Our part of one table: {chain: rules}; a chain without rules is not made.

    `docker_chain`: the chain DOCKER of Docker is there, made by us where it is missing.
    """

    chains: dict[str, tuple[Rule, ...]] = field(factory=dict)
    docker_chain: bool = False


OwnRules = dict[str, OwnTable]


def own_rules(settings: Iterable[NatSetting]) -> OwnRules:
    """Return what the tables nat and filter shall have of ours."""
    nat: dict[str, list[Rule]] = {PREROUTING: [], OUTPUT: [], POSTROUTING: []}
    forward: list[Rule] = []
    docker = False
    for setting in settings:
        _published(setting, nat, forward)
        _way_out(setting, nat[POSTROUTING], forward)
        docker = docker or setting.own_docker
        if setting.own_docker and not any(r.target == DOCKER for r in nat[PREROUTING]):
            _docker_jumps(setting, nat)
    # Our own ports first, whatever Docker's chain has.
    for chain in (PREROUTING, OUTPUT):
        nat[chain].sort(key=lambda rule: rule.target == DOCKER)
    tables = {NAT: OwnTable(_filled(nat), docker), FILTER: OwnTable(_filled({FORWARD: forward}))}
    return tables


def wanted_lines(wanted: OwnRules) -> list[Json]:
    """Return the rules of our chains as `-t TABLE -A CHAIN ...`."""
    return [
        f"-t {name} -A {chain} {rule.line()}"
        for name, own in wanted.items()
        for chain, rules in own.chains.items()
        for rule in rules
    ]


def _filled(chains: dict[str, list[Rule]]) -> dict[str, tuple[Rule, ...]]:
    return {name: tuple(rules) for name, rules in chains.items() if rules}


def comment_of(setting: NatSetting) -> str:
    """Return the comment on each rule of a setting: it names owner, subnet and change."""
    return f"{comment_mark(setting.spec['subnet'])} {setting.change_id}"


def comment_mark(subnet: object) -> str:
    """Return how the comment on every rule for a subnet begins."""
    return f"dockernet {subnet} change"


def jump(chain: str) -> Rule:
    """Return the one rule that leads from a built-in chain to ours."""
    return Rule(target=chain, comment=JUMP_COMMENT)


def _docker_jumps(setting: NatSetting, nat: dict[str, list[Rule]]) -> None:
    comment = comment_of(setting)
    nat[PREROUTING].append(Rule(target=DOCKER, comment=comment, local=True))
    nat[OUTPUT].append(Rule(target=DOCKER, comment=comment, local=True, not_loopback=True))


def _published(setting: NatSetting, nat: dict[str, list[Rule]], forward: list[Rule]) -> None:
    desired, comment = setting.desired, comment_of(setting)
    for publish in setting.publishes:
        nat[PREROUTING].append(_dnat(publish, comment, inside=False))
        nat[OUTPUT].append(_dnat(publish, comment, inside=True))
        assert publish.to is not None
        to = IPv4Network(publish.to)
        reached = {"destination": to, "protocol": publish.protocol, "l4_port": publish.to_port}
        # A container that asks for its own subnet's port by the host's address: without this the
        # answer would come straight from its neighbour, and be taken for a stranger's.
        nat[POSTROUTING].append(
            Rule(
                target="MASQUERADE",
                comment=comment,
                source=desired.subnet,
                states=("DNAT",),
                **reached,  # type: ignore[arg-type]
            )
        )
        forward.append(
            Rule(
                target="ACCEPT",
                comment=comment,
                out_link=setting.bridge,
                states=("DNAT",),
                **reached,  # type: ignore[arg-type]
            )
        )


def _dnat(publish: NatPublish, comment: str, *, inside: bool) -> Rule:
    """A published port; `inside` for packets of the host itself."""
    given = publish.host_ip is not None
    return Rule(
        target="DNAT",
        comment=comment,
        destination=IPv4Network(publish.host_ip) if publish.host_ip else None,
        not_loopback=inside and not given,
        protocol=publish.protocol,
        l4_port=publish.l4_port,
        local=not given,
        to=publish.to,
        to_port=publish.to_port,
    )


def _way_out(setting: NatSetting, postrouting: list[Rule], forward: list[Rule]) -> None:
    desired, comment = setting.desired, comment_of(setting)
    link, bridge = desired.out_interface, setting.bridge
    if desired.mode != NONE:
        for network in desired.exclude:
            # ACCEPT, not RETURN: Docker's own MASQUERADE further down shall not have it either.
            postrouting.append(Rule("ACCEPT", comment, source=desired.subnet, destination=network))
        postrouting.append(_translation(desired, comment, bridge))
    if setting.open_forward and (desired.mode != NONE or desired.publish):
        answers = ("RELATED", "ESTABLISHED")
        forward.append(
            Rule("ACCEPT", comment, destination=desired.subnet, out_link=bridge, states=answers)
        )
    if setting.open_forward and desired.publish:
        forward.append(
            Rule("ACCEPT", comment, source=desired.subnet, in_link=bridge, states=answers)
        )
    if setting.open_forward and desired.mode != NONE:
        forward.append(
            Rule(
                "ACCEPT",
                comment,
                source=desired.subnet,
                in_link=bridge,
                out_link=link,
                not_out_link="" if link else bridge,
            )
        )


def _translation(desired: DesiredNat, comment: str, bridge: str) -> Rule:
    """As Docker writes it: traffic between the subnet's own containers keeps its source."""
    return Rule(
        target="MASQUERADE" if desired.mode == MASQUERADE else "SNAT",
        comment=comment,
        source=desired.subnet,
        out_link=desired.out_interface,
        not_out_link="" if desired.out_interface else bridge,
        to=desired.to_source,
    )
