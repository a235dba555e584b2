"""The table of the subnets of each host, kept beside its observation."""

from __future__ import annotations

from hosts.host_subnets import subnet_uses
from hosts.models import Host, HostSubnet
from hosts.services.clean import clean
from netops.engine.observed import Observed


def host_subnets_store(*, host: Host, observed: Observed) -> None:
    """Make the host's rows say what was observed; writes nothing where they say so already.

    Called inside the transaction that keeps the observation.
    """
    wanted = {
        (str(u.subnet), u.use, clean(u.name), clean(u.clash)): u for u in subnet_uses(observed)
    }
    kept = HostSubnet.objects.filter(host=host)
    there = {
        (row.subnet, row.use, row.name, row.clash): row.pk
        for row in kept.only("subnet", "use", "name", "clash")
    }
    gone = [pk for key, pk in there.items() if key not in wanted]
    if gone:
        HostSubnet.objects.filter(pk__in=gone).delete()
    HostSubnet.objects.bulk_create(
        HostSubnet(
            host=host,
            subnet=subnet,
            use=use,
            name=name,
            clash=clash,
            low=int(found.subnet.network_address),
            high=int(found.subnet.broadcast_address),
        )
        for (subnet, use, name, clash), found in wanted.items()
        if (subnet, use, name, clash) not in there
    )
