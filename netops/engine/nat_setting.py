"""A NAT setting of a host as its agent keeps it: what was asked for, and what it was made from."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from attrs import evolve, frozen

from netops.engine.desired_nat import DesiredNat, NatPublish, parse
from netops.engine.serial import Json, to_json


@frozen
class Lead:
    """The container behind a published port, as of the rules: `port` is NatPublish.port.

    `container` is the name that the port was published to, or of the container that had the plain
    address, "" if none had. `address` is None while the container has none: the port is closed.
    """

    port: str
    container: str = ""
    address: IPv4Address | None = None


@frozen
class NatSetting:
    """The setting of one subnet. `spec` is a DesiredNat as a specification.

    `bridge` is the link of the subnet; `change_id` the change that set it, as the rules' comments
    say; `open_forward`: FORWARD drops by policy and nobody else lets the subnet out; `own_docker`:
    the chain DOCKER is made by us; `forwarding_was_off`: ip_forward was switched on for it, or the
    next boot was told to; `leads`: who is behind each published port, none for a port of a setting
    that an older agent wrote.
    """

    spec: dict[str, Json]
    bridge: str
    change_id: int = 0
    open_forward: bool = False
    own_docker: bool = False
    forwarding_was_off: bool = False
    leads: tuple[Lead, ...] = ()

    @property
    def desired(self) -> DesiredNat:
        """What was asked for. Raises SpecInvalid if the setting was damaged."""
        return parse(self.spec)

    @property
    def subnet(self) -> IPv4Network:
        """The subnet that it is for."""
        return self.desired.subnet

    @property
    def publishes(self) -> tuple[NatPublish, ...]:
        """The published ports that rules are made for.

        A port of a container without an address is left out: its former address may be another
        container's by now.
        """
        return tuple(p for p in map(self._led, self.desired.publish) if p.to is not None)

    def lead(self, publish: NatPublish) -> Lead | None:
        """Return who is behind a published port, None where that was not kept."""
        return next((lead for lead in self.leads if lead.port == publish.port), None)

    def _led(self, publish: NatPublish) -> NatPublish:
        if not publish.container:
            return publish
        lead = self.lead(publish)
        mine = lead is not None and lead.container == publish.container
        return evolve(publish, to=lead.address if lead and mine else None)


@frozen
class NatState:
    """All NAT settings of a host; `made_tables` are tables that only exist because of them.

    `family` is the one that their rules were set in, "" where that was not kept.
    """

    settings: tuple[NatSetting, ...] = ()
    made_tables: tuple[str, ...] = ()
    family: str = ""


def asked_for(state: NatState) -> NatState:
    """Return the state without what follows the host: bridges, containers' addresses, and who
    switched forwarding on."""
    settings = tuple(
        evolve(setting, bridge="", leads=(), forwarding_was_off=False) for setting in state.settings
    )
    return evolve(state, settings=settings)


def setting_basis(setting: NatSetting | None) -> Json:
    """Return what of a setting decides about a plan: where its ports lead shows in its rules."""
    data: dict[str, Json] | None = to_json(setting)
    return None if data is None else {k: v for k, v in data.items() if k != "leads"}


def setting_for(settings: tuple[NatSetting, ...], subnet: IPv4Network) -> NatSetting | None:
    """Return the setting of a subnet, None if there is none."""
    return next((s for s in settings if s.spec.get("subnet") == str(subnet)), None)


def settings_with(
    settings: tuple[NatSetting, ...], subnet: IPv4Network, fresh: NatSetting | None
) -> tuple[NatSetting, ...]:
    """Return the settings with that of `subnet` replaced by `fresh`, or removed."""
    kept = [s for s in settings if s.spec.get("subnet") != str(subnet)]
    return tuple(sorted([*kept, *([fresh] if fresh else [])], key=lambda s: str(s.spec["subnet"])))
