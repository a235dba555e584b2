"""The facts that every finding about a NAT change looks at, gathered once."""

from __future__ import annotations

from functools import cached_property
from ipaddress import IPv4Interface

import attrs
from attrs import frozen

from netops.engine.desired_nat import DesiredNat
from netops.engine.nat.edits import Edit, edits_of, is_dockers
from netops.engine.nat.follow import setting_now
from netops.engine.nat.own import FILTER, NAT, OwnRules, OwnTable, own_rules
from netops.engine.nat.places import Places, places_of
from netops.engine.nat.ruleset import Table, table_of
from netops.engine.nat_setting import NatSetting, setting_for, settings_with
from netops.engine.observed import DockerNetwork, Observed
from netops.engine.plan import BLOCKER, WARNING, Finding


@frozen(slots=False)
class NatCase:
    """A host and the NAT that one of its subnets shall get, by change number `change_id`."""

    observed: Observed
    desired: DesiredNat
    change_id: int = 0

    @cached_property
    def network(self) -> DockerNetwork | None:
        """Docker's bridge network that has the subnet, None if none has."""
        networks = (n for n in self.observed.networks if n.bridge)
        return next((n for n in networks if self.desired.subnet in n.subnets), None)

    @cached_property
    def places(self) -> Places:
        """Where Docker has its networks and containers."""
        return places_of(self.observed)

    @cached_property
    def setting(self) -> NatSetting | None:
        """The setting that is there now, None if there is none."""
        return setting_for(self.observed.nat.settings, self.desired.subnet)

    @cached_property
    def docker_bridges(self) -> frozenset[str]:
        """The links of Docker's bridge networks."""
        return frozenset(n.bridge for n in self.observed.networks if n.bridge)

    @property
    def bridge(self) -> str:
        """The link of the subnet, "" where it is not known."""
        if self.network is not None:
            return self.network.bridge
        return self.setting.bridge if self.setting else ""

    @property
    def gateway(self) -> IPv4Interface | None:
        """The bridge's own address in the subnet, None if it has none."""
        found = self.observed.addresses_of(self.bridge)
        return next((i for i in found if i.network == self.desired.subnet), None)

    @cached_property
    def nat(self) -> Table:
        """The table nat as it is."""
        return table_of(self.observed.firewall.nat)

    @cached_property
    def forward(self) -> Table:
        """The chain FORWARD as it is, with ours."""
        return table_of(self.observed.firewall.forward)

    @property
    def live(self) -> dict[str, Table]:
        """Both tables as they are."""
        return {NAT: self.nat, FILTER: self.forward}

    @property
    def docker_rules(self) -> bool:
        """True if Docker makes its own rules in iptables for this network."""
        return any(r.target == "DOCKER" for r in self.nat.chain("PREROUTING"))

    @property
    def docker_translates(self) -> bool:
        """True if Docker's own MASQUERADE for the subnet is there."""
        wanted = ("-o", (True, (self.bridge,)))
        return any(
            r.target == "MASQUERADE"
            and r.source == self.desired.subnet
            and wanted in r.options.items()
            for r in self.nat.chain("POSTROUTING")
        )

    @cached_property
    def fresh(self) -> NatSetting | None:
        """The setting as it shall be, None if all of ours for the subnet goes."""
        if self.desired.empty or not self.bridge:
            return None
        fresh = NatSetting(
            spec=self.desired.to_spec(),
            bridge=self.bridge,
            change_id=self.change_id,
            open_forward=self._open_forward(),
            own_docker=self.desired.docker_chain and not self.docker_rules,
            forwarding_was_off=self.forwarding_unsure
            or bool(self.setting and self.setting.forwarding_was_off),
        )
        return setting_now(fresh, self.places)

    @property
    def forwarding_unsure(self) -> bool:
        """Off now, or dockerd was told not to see to it at its next start."""
        told = self.observed.config.get("ip-forward")
        return not self.observed.ip_forward or bool(told and told.value is False)

    def _open_forward(self) -> bool:
        """FORWARD drops by policy, nobody lets the bridge out, and Docker does not see to it.

        Where Docker does, ours would come before those that keep its networks apart (from 28 on
        they are all behind DOCKER-FORWARD).
        """
        if self.forward.policies.get("FORWARD") != "DROP":
            return False
        return not any(
            is_dockers(rule)
            or (rule.target == "ACCEPT" and rule.options.get("-i") == (False, (self.bridge,)))
            for rule in self.forward.chain("FORWARD")
        )

    @cached_property
    def settings(self) -> tuple[NatSetting, ...]:
        """All settings of the host after the change."""
        return settings_with(self.observed.nat.settings, self.desired.subnet, self.fresh)

    @property
    def wanted(self) -> OwnRules:
        """What both tables shall have of ours."""
        return own_rules(self.settings)

    def edits(self, table: str, own: OwnTable) -> list[Edit]:
        """Return what is to be done to a table."""
        docker = table == NAT and any(s.own_docker for s in self.observed.nat.settings)
        return edits_of(self.live[table], own, docker_was_ours=docker)

    def blocker(self, code: str, message: str, subject: str = "") -> Finding:
        """Return a blocker, or a warning if the requester accepted that code."""
        severity = WARNING if code in self.desired.accept else BLOCKER
        return Finding(code, severity, message, subject)

    def same_setting(self) -> bool:
        """True if the present setting asks for the same, whoever set it."""
        if self.setting is None or self.fresh is None:
            return self.setting is None and self.fresh is None
        ours = ("change_id", "forwarding_was_off", "leads")
        same = _without(self.setting, ours) == _without(self.fresh, ours)
        return same and _same_leads(self.setting, self.fresh)


def _without(setting: NatSetting, names: tuple[str, ...]) -> dict[str, object]:
    data = attrs.asdict(setting)
    spec = dict(setting.spec)
    spec.pop("accept", None)
    return {**{k: v for k, v in data.items() if k not in names}, "spec": spec}


def _same_leads(old: NatSetting, fresh: NatSetting) -> bool:
    """False where a port leads to another container, or by name to another address.

    Nobody there, then or now, is no difference: a rule to a plain address waits for a container.
    """
    for publish in fresh.desired.publish:
        was, now = old.lead(publish), fresh.lead(publish)
        known = was and now and was.container and now.container
        if known and was != now:
            return False
    return True


def blocker(code: str, message: str, subject: str = "") -> Finding:
    """Return a blocker."""
    return Finding(code, BLOCKER, message, subject)


def warning(code: str, message: str, subject: str = "") -> Finding:
    """Return a warning."""
    return Finding(code, WARNING, message, subject)
