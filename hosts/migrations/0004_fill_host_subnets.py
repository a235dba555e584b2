"""Fills the table of subnets from what was last seen of each host."""

from django.db import migrations

from hosts.host_subnets import subnet_uses
from netops.engine.errors import MessageRejected
from netops.engine.observed import Observed
from netops.engine.serial import from_json


def fill(apps, schema_editor):
    Host = apps.get_model("hosts", "Host")
    HostSubnet = apps.get_model("hosts", "HostSubnet")
    hosts = Host.objects.exclude(observed=None).only("pk", "observed").order_by("pk")
    for host in hosts.iterator(chunk_size=100):
        try:
            uses = subnet_uses(from_json(Observed, host.observed))
        except MessageRejected:
            # An older agent's: the host's next report fills it.
            continue
        HostSubnet.objects.bulk_create(
            HostSubnet(
                host=host,
                subnet=str(u.subnet),
                use=u.use,
                name=u.name,
                clash=u.clash,
                low=int(u.subnet.network_address),
                high=int(u.subnet.broadcast_address),
            )
            for u in uses
        )


class Migration(migrations.Migration):
    dependencies = [("hosts", "0003_host_subnets")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
