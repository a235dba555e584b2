"""`./dockernet demo --check`: the main job through the API, proved from outside."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

from lab.command import LabError
from lab.host import LabHost
from lab.lab import Lab
from lab.site import Site


def check(lab: Lab, site: Site) -> None:
    """Change docker0's subnet on every host, then its NAT, and prove each result.

    Raises:
        LabError: something did not hold; the message says what.
    """
    for number, host in enumerate(lab.hosts.values()):
        subnet = ipaddress.IPv4Network(f"192.168.{225 + number}.0/24")
        change = subnet_request(site, host, subnet)
        final = approve_and_watch(site, change)
        if final != "succeeded":
            raise LabError(f"{host.name}: the change ended as {final}")
        prove(lab, site, host, subnet)
        check_nat(lab, site, host, subnet)
    say("\nEverything held.")


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def subnet_request(site: Site, host: LabHost, subnet: ipaddress.IPv4Network) -> dict[str, Any]:
    """Request the change as alice; return it once its plan waits for approval."""
    say(f"{host.name} ({host.init}): alice requests {subnet} for docker0.")
    spec = {"network": "bridge", "subnet": str(subnet)}
    return request(site, host, "subnet", spec, "172.17.0.0/16 collides with the VPN")


def request(
    site: Site, host: LabHost, kind: str, spec: dict[str, Any], reason: str
) -> dict[str, Any]:
    """Request a change as alice and print its plan; return it once it waits for approval."""
    alice = site.clients["alice"]
    body = {"host": host.name, "kind": kind, "spec": spec, "reason": reason}
    made = alice.call("POST", "/changes", body)
    change: dict[str, Any] = alice.wait(
        f"/changes/{made['id']}", lambda seen: seen["state"] != "planning", "the plan"
    )
    plan = change["plan"] or {"steps": [], "findings": [], "containers": []}
    for step in plan["steps"]:
        command = step["command"].replace("\n", "\n             ")
        say(f"    plan   {step['title']}:  {command}")
    for finding in plan["findings"]:
        say(f"    {finding['severity']:<8}{finding['code']}: {finding['message']}")
    for move in plan["containers"]:
        say(f"    address {move['name']}: {move['from']} to {move['to']} (expected)")
    if change["state"] != "awaiting_approval":
        raise LabError(f"{host.name}: the plan is {change['state']}, not awaiting approval")
    return change


def check_nat(lab: Lab, site: Site, host: LabHost, subnet: ipaddress.IPv4Network) -> None:
    """Set NAT for the subnet with a published port, prove it from outside, and take it back.

    Raises:
        LabError: something did not hold.
    """
    before = nat_rules(host)
    target = container_address(host, "batch")
    publish = {"protocol": "tcp", "host_port": 8099, "to": f"{target}:80"}
    spec = {"subnet": str(subnet), "mode": "masquerade", "publish": [publish]}
    say(f"{host.name} ({host.init}): alice requests NAT for {subnet}, and port 8099 for batch.")
    change = request(site, host, "nat", spec, "batch is to be reached from outside")
    final = approve_and_watch(site, change)
    require(final == "succeeded", f"{host.name}: the NAT change ended as {final}")
    answer = fetch_outside(lab, host, 8099)
    require(answer == "batch", f"{host.name}: port 8099 answers {answer!r}, not batch")
    say(f"    proof  http://{host.address}:8099/ answers from outside: {answer}")
    say(f"{host.name}: alice asks for the former state; bob approves.")
    back = site.clients["alice"].call("POST", f"/changes/{change['id']}/revert", {})
    planned = site.clients["alice"].wait(
        f"/changes/{back['id']}", lambda seen: seen["state"] != "planning", "the plan"
    )
    final = approve_and_watch(site, planned)
    require(final == "succeeded", f"{host.name}: the revert ended as {final}")
    require(nat_rules(host) == before, f"{host.name}: the nat table is not what it was")
    say("    proof  the nat table is what it was before\n")


def nat_rules(host: LabHost) -> list[str]:
    """The nat table of a host as iptables prints it."""
    return str(host.run(["iptables", "-t", "nat", "-S"]).stdout).splitlines()


def container_address(host: LabHost, name: str) -> str:
    """A container's address on the default bridge, by Docker."""
    template = "{{.NetworkSettings.Networks.bridge.IPAddress}}"
    return str(host.run(["docker", "inspect", "-f", template, name]).stdout).strip()


def fetch_outside(lab: Lab, host: LabHost, port: int) -> str:
    """What a port of a host answers to somebody outside; raises LabError if nothing comes."""
    argv = ["timeout", "5", "busybox", "wget", "-qO-", f"http://{host.address}:{port}/"]
    return str(lab.segment.run_outside(argv).stdout).strip()


def approve_and_watch(site: Site, change: dict[str, Any]) -> str:
    """Approve as bob and print every event as it is streamed; return the final state."""
    path = f"/changes/{change['id']}/approve"
    site.clients["bob"].call("POST", path, {"plan_digest": change["plan"]["digest"]})
    say("bob approves; the host works:")
    numbers, final = [], ""
    for event in site.clients["alice"].events(change["id"]):
        numbers.append(event["seq"])
        step = "" if event["step"] is None else f"step {event['step']}"
        say(f"    {event['seq']:>4}  {event['type']:<14} {step:<8} {event['message']}")
        if event["type"] == "end":
            final = event["state"]
    if numbers != list(range(1, len(numbers) + 1)):
        raise LabError(f"events are missing or came twice: {numbers}")
    return final


def prove(lab: Lab, site: Site, host: LabHost, subnet: ipaddress.IPv4Network) -> None:
    """Look at the host from outside Dockernet: kernel, Docker, containers, pings, ports."""
    shown = json.loads(host.run(["ip", "-j", "-4", "addr", "show", "docker0"]).stdout)
    inside = [f"{a['local']}/{a['prefixlen']}" for a in shown[0]["addr_info"]]
    expected = [f"{subnet[1]}/{subnet.prefixlen}"]
    require(inside == expected, f"{host.name}: docker0 has {inside}, not {expected}")
    say(f"    proof  docker0 has {inside[0]}")
    names = host.run(["docker", "ps", "--format", "{{.Names}}"]).stdout.split()
    require(len(names) == 4, f"{host.name}: four containers ran, now {names}")
    for name in sorted(names):
        prove_container(lab, host, name, subnet)
    for port in (8080, 8081, 8082):
        text = fetch_outside(lab, host, port)
        say(f"    proof  http://{host.address}:{port}/ answers from outside: {text}")
    seen = wait_for_report(site, host, subnet)
    say(f"    proof  the site shows {seen} for {host.name}\n")


def prove_container(lab: Lab, host: LabHost, name: str, subnet: ipaddress.IPv4Network) -> None:
    """A container has an address in the subnet and reaches the outside."""
    address = container_address(host, name)
    require(ipaddress.IPv4Address(address) in subnet, f"{host.name}: {name} has {address}")
    router = str(lab.segment.router_address)
    host.run(["docker", "exec", name, "ping", "-c", "1", "-W", "3", router])
    say(f"    proof  {name} has {address} and reaches {router} past the host")


def wait_for_report(site: Site, host: LabHost, subnet: ipaddress.IPv4Network) -> str:
    """Wait until the site's own record shows the new subnet."""

    def bridge_subnet(seen: dict[str, Any]) -> str:
        found = [n["subnet"] for n in seen["networks"] if n["name"] == "bridge"]
        return str(found[0]) if found else ""

    path = f"/hosts/{host.name}"
    seen = site.clients["carol"].wait(
        path, lambda answer: bridge_subnet(answer) == str(subnet), "the new observation"
    )
    return bridge_subnet(seen)


def require(held: bool, otherwise: str) -> None:
    """Raise a LabError with `otherwise` unless `held`."""
    if not held:
        raise LabError(otherwise)
