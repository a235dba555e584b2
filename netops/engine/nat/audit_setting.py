"""What of a NAT setting of ours is not where Docker has its subnet and its containers now. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from netops.engine.desired_nat import NatPublish
from netops.engine.nat.places import Places
from netops.engine.nat_setting import NatSetting
from netops.engine.serial import Json


@frozen
class Astray:
    """A difference in a sentence; `mends`: a change mends it, else only the command `hint` does."""

    message: str
    mends: bool = False
    hint: str = ""


def astray(setting: NatSetting, places: Places) -> Iterator[Astray]:
    """Yield each difference: the bridge, then the published ports in order."""
    network = places.network(setting.subnet)
    if network is not None and network.bridge != setting.bridge:
        message = (
            f"The rules are for the bridge {setting.bridge}; {setting.subnet} is on "
            f"{network.bridge} now. The agent leads them there within seconds."
        )
        yield Astray(message, mends=True)
    for publish in setting.desired.publish:
        named = publish.container
        found = _named(setting, publish, places) if named else _plain(setting, publish, places)
        if found is not None:
            yield found


def mended(setting: NatSetting, places: Places) -> dict[str, Json]:
    """Return the specification that brings every port back to the container that it was set for:
    by name where another container has the plain address now."""
    publishes = []
    for publish in setting.desired.publish:
        lead, found = setting.lead(publish), _plain(setting, publish, places)
        by_name = lead is not None and found is not None and found.mends
        name = lead.container if lead and by_name else publish.container
        publishes.append(evolve(publish, to=None, container=name) if name else publish)
    return evolve(setting.desired, publish=tuple(publishes)).to_spec()


def _named(setting: NatSetting, publish: NatPublish, places: Places) -> Astray | None:
    name, port, lead = publish.container, publish.port, setting.lead(publish)
    place = places.place(name, setting.subnet)
    kept = lead.address if lead else None
    if place is None:
        message = f"No container {name} is in {setting.subnet} now: port {port} leads nowhere."
        return Astray(message)
    if place.ipv4 is None and place.state != "restarting":
        message = f"{name} has no address now ({place.state}): port {port} leads nowhere."
        return Astray(message, hint=f"docker start {name}")
    if place.ipv4 is not None and place.ipv4 != kept:
        message = (
            f"{name} has {place.ipv4} now, and port {port} leads to {kept or 'nowhere'}. The agent "
            "leads it there within seconds."
        )
        return Astray(message, mends=True)
    return None


def _plain(setting: NatSetting, publish: NatPublish, places: Places) -> Astray | None:
    lead = setting.lead(publish)
    holder = places.holder(publish.to, setting.subnet) if publish.to else None
    if lead is None or holder is None or lead.container in ("", holder.container):
        return None
    message = (
        f"Port {publish.port} was set for {lead.container}, and {holder.container} has "
        f"{publish.to} now. Publish it to {lead.container} by name."
    )
    owner = places.place(lead.container, setting.subnet)
    return Astray(message, mends=owner is not None and owner.ipv4 is not None)
