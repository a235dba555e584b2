"""Fills the columns that the list of hosts shows from what is kept already."""

from collections import Counter
from ipaddress import IPv4Network

from django.db import migrations
from django.db.models.fields.json import KT

from hosts.services.fleet_columns import ReservedSpans


def fill(apps, schema_editor):
    Host = apps.get_model("hosts", "Host")
    HostSubnet = apps.get_model("hosts", "HostSubnet")
    ReservedRange = apps.get_model("hosts", "ReservedRange")
    ranges = ReservedSpans(
        (IPv4Network(subnet), "") for subnet in ReservedRange.objects.values_list("subnet", flat=True)
    )
    rows = HostSubnet.objects.filter(use__in=("docker0", "docker")).order_by()
    conflicts = Counter(
        host
        for host, low, high, clash in rows.values_list("host_id", "low", "high", "clash")
        if clash or ranges.overlap(low, high)
    )
    seen = Host.objects.exclude(observed=None).order_by()
    hosts = seen.values_list("pk", "subnet", KT("observed__service__manager"))
    for pk, subnet, manager in list(hosts):
        Host.objects.filter(pk=pk).update(
            subnet_start=int(IPv4Network(subnet).network_address) if subnet else 0,
            conflict_count=conflicts[pk],
            service_manager=(manager or "")[:16],
        )


class Migration(migrations.Migration):
    dependencies = [("hosts", "0005_fleet")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
