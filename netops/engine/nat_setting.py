"""A NAT setting of a host as its agent keeps it: what was asked for, and what it was made from."""

from __future__ import annotations

from ipaddress import IPv4Network

from attrs import frozen

from netops.engine.desired_nat import DesiredNat, parse
from netops.engine.serial import Json


@frozen
class NatSetting:
    """The setting of one subnet. `spec` is a DesiredNat as a specification.

    `bridge` is the link of the subnet; `change_id` the change that set it, as the rules' comments
    say; `open_forward`: FORWARD drops by policy and nobody else lets the subnet out; `own_docker`:
    the chain DOCKER is made by us; `forwarding_was_off`: ip_forward was switched on for it, or the
    next boot was told to.
    """

    spec: dict[str, Json]
    bridge: str
    change_id: int = 0
    open_forward: bool = False
    own_docker: bool = False
    forwarding_was_off: bool = False

    @property
    def desired(self) -> DesiredNat:
        """What was asked for. Raises SpecInvalid if the setting was damaged."""
        return parse(self.spec)

    @property
    def subnet(self) -> IPv4Network:
        """The subnet that it is for."""
        return self.desired.subnet


@frozen
class NatState:
    """All NAT settings of a host; `made_tables` are tables that only exist because of them.

    `family` is the one that their rules were set in, "" where that was not kept.
    """

    settings: tuple[NatSetting, ...] = ()
    made_tables: tuple[str, ...] = ()
    family: str = ""


def setting_for(settings: tuple[NatSetting, ...], subnet: IPv4Network) -> NatSetting | None:
    """Return the setting of a subnet, None if there is none."""
    return next((s for s in settings if s.spec.get("subnet") == str(subnet)), None)


def settings_with(
    settings: tuple[NatSetting, ...], subnet: IPv4Network, fresh: NatSetting | None
) -> tuple[NatSetting, ...]:
    """Return the settings with that of `subnet` replaced by `fresh`, or removed."""
    kept = [s for s in settings if s.spec.get("subnet") != str(subnet)]
    return tuple(sorted([*kept, *([fresh] if fresh else [])], key=lambda s: str(s.spec["subnet"])))
