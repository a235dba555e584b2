"""How the pages tell a change of kind "nat" in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from netops.difference import Difference
from netops.engine.plan import Plan


def target(spec: dict[str, Any]) -> str:
    """Return "192.168.225.0/24 → SNAT 198.51.100.12, 2 ports"."""
    return f"{spec.get('subnet', '?')} → {_way_out(spec)}{_ports(spec)}"


def sentence(spec: dict[str, Any], host: str) -> str:
    """Return what is asked of a host as a heading."""
    if spec.get("mode") == "none" and not spec.get("publish"):
        said = {"subnet": spec.get("subnet", "?"), "host": host}
        return _("Remove our NAT rules for %(subnet)s on %(host)s") % said
    return _("NAT on %(host)s: %(what)s") % {"host": host, "what": target(spec)}


def differences(plan: Plan) -> list[Difference]:
    """Return what a plan brings the subnet, setting by setting."""
    before, after = former_setting(plan), plan.spec
    rows = [
        Difference(_("Way out"), _way_out(before or {"mode": "none"}), _way_out(after)),
        Difference(_("Sent untranslated to"), _list(before, "exclude"), _list(after, "exclude")),
        Difference(_("Published ports"), _published(before), _published(after, plan.basis)),
        Difference(_("Chain DOCKER"), _chain(before), _chain(after)),
    ]
    return [row for n, row in enumerate(rows) if n == 0 or row.before or row.after]


def former_setting(plan: Plan) -> dict[str, Any]:
    """Return the specification that the subnet had when the plan was made, {} if it had none."""
    settings = plan.basis.get("settings")
    entry = settings.get(str(plan.spec.get("subnet"))) if isinstance(settings, dict) else None
    spec = entry.get("spec") if isinstance(entry, dict) else None
    return dict(spec) if isinstance(spec, dict) else {}


def _way_out(spec: dict[str, Any]) -> str:
    mode = str(spec.get("mode", "?"))
    words = {"snat": f"SNAT {spec.get('to_source', '?')}", "none": _("no NAT of ours")}.get(
        mode, mode
    )
    if not spec.get("out_interface"):
        return words
    return _("%(way)s by %(link)s") % {"way": words, "link": spec["out_interface"]}


def _ports(spec: dict[str, Any]) -> str:
    count = len(spec.get("publish") or ())
    if not count:
        return ""
    return ", " + ngettext("%(n)s port", "%(n)s ports", count) % {"n": count}


def _list(spec: dict[str, Any], name: str) -> str:
    return ", ".join(str(item) for item in spec.get(name) or ())


def _published(spec: dict[str, Any], basis: Mapping[str, Any] = MappingProxyType({})) -> str:
    """The ports; of one published by name also the address that the plan's `basis` knows."""
    known = basis.get("published containers")
    addresses: dict[str, Any] = known if isinstance(known, dict) else {}
    return ", ".join(published_text(item, addresses) for item in spec.get("publish") or ())


def published_text(
    item: dict[str, Any], addresses: Mapping[str, Any] = MappingProxyType({})
) -> str:
    """Return a published port: "tcp 8080 to 192.168.225.10:80", or "to web:80 (192.168.225.10)"
    where `addresses` has that of the container."""
    where = f"{item['host_ip']}:" if item.get("host_ip") else ""
    port = f"{item.get('protocol')} {where}{item.get('host_port')}"
    to = str(item.get("to"))
    address = addresses.get(to.rpartition(":")[0])
    return _("%(port)s to %(to)s") % {"port": port, "to": f"{to} ({address})" if address else to}


def _chain(spec: dict[str, Any]) -> str:
    return _("made by us") if spec.get("docker_chain") else ""
