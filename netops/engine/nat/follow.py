"""NAT settings follow Docker: the bridge that a subnet is on now, the address that a container has.

`docker compose down` and `up` make a network anew: same subnet, another bridge. Docker gives the
addresses of a network in the order in which containers start.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from attrs import evolve

from netops.engine.desired_nat import NatPublish
from netops.engine.nat.places import Places
from netops.engine.nat_setting import Lead, NatSetting, NatState


def setting_now(setting: NatSetting, places: Places) -> NatSetting:
    """Return the setting with its bridge and the containers behind its ports as they are now.

    The bridge stays while no network has the subnet: it may come back with the next `up`.
    """
    desired = setting.desired
    network = places.network(desired.subnet)
    leads = tuple(_lead(p, setting.lead(p), places, desired.subnet) for p in desired.publish)
    return evolve(setting, bridge=network.bridge if network else setting.bridge, leads=leads)


def state_now(state: NatState, places: Places) -> NatState:
    """Return all settings as they are now."""
    return evolve(state, settings=tuple(setting_now(s, places) for s in state.settings))


def _lead(publish: NatPublish, old: Lead | None, places: Places, subnet: IPv4Network) -> Lead:
    if publish.container:
        return _named(publish, old, places, subnet)
    if old is not None and old.container:
        # Whom a plain address was meant for does not change with who has it.
        return old
    holder = places.holder(publish.to, subnet) if publish.to else None
    return Lead(publish.port, holder.container if holder else "", publish.to)


def _named(publish: NatPublish, old: Lead | None, places: Places, subnet: IPv4Network) -> Lead:
    place = places.place(publish.container, subnet)
    address = place.ipv4 if place else None
    same = old is not None and old.container == publish.container
    # Between two restarts a container has no address, and mostly gets the same again: do not
    # rewrite the rules at each, unless another container has taken the address meanwhile.
    loops = place is not None and address is None and place.state == "restarting"
    if loops and old and same and old.address and not places.holder(old.address, subnet):
        address = old.address
    return Lead(publish.port, publish.container, address)


def moved(old: NatState, now: NatState) -> Iterator[str]:
    """Yield what differs between two states of the same settings, in sentences without a stop."""
    for before, after in zip(old.settings, now.settings, strict=True):
        if before.bridge != after.bridge:
            subnet = after.spec["subnet"]
            yield f"{subnet} is on the bridge {after.bridge} now, no longer on {before.bridge}"
        was = {publish.port: publish.to for publish in before.publishes}
        led = {publish.port: publish.to for publish in after.publishes}
        for publish in after.desired.publish:
            port, to = publish.port, led.get(publish.port)
            if was.get(port) == to:
                continue
            if to is None:
                yield f"{publish.container} has no address now: port {port} leads nowhere"
            else:
                yield f"{publish.container} has {to} now: port {port} leads there"
