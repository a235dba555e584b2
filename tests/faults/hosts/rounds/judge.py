"""Judge of a round: compares the real host at its end with the model, and what is said with it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Interface, IPv4Network

import attrs

from tests.faults.hosts.rounds.host_acts import OURS
from tests.faults.hosts.rounds.model import BRIDGE, CONFIRM, DOWN, PAUSED, RUNS, Expected
from tests.faults.hosts.whole import NEW, OLD, Seen, daemon_json

MIXED = "mixed"
TRUTH = {OLD: "rolled_back", NEW: "succeeded"}


@attrs.frozen
class Verdict:
    """What a round came to: `host` is OLD, NEW or MIXED; without faults it held."""

    host: str
    faults: tuple[str, ...]


def where(expected: Expected, seen: Seen) -> str:
    """Return OLD or NEW if docker0, Docker's record and the configuration all are; else MIXED."""
    bip = daemon_json(seen).get("bip", "")
    for word, interface, wanted in (
        (OLD, expected.old, expected.bip),
        (NEW, expected.new, str(expected.new)),
    ):
        # Somebody who removed our key may be left alone: Docker keeps the address all the same.
        right = {wanted, ""} if expected.bip_removed else {wanted}
        layers = (seen["docker0"], seen["record"])
        if layers == ([str(interface)], str(interface.network)) and bip in right:
            return word
    return MIXED


def ports_asked(expected: Expected, ending: str, host: str) -> dict[int, str]:
    """Return {port: name} of what must answer: not where flushed rules were not made anew."""
    if expected.flushed and host != OLD:
        return {}
    return expected.required_ports(ending)


def judge(
    expected: Expected,
    ending: str,
    seen: Seen,
    before: Seen,
    said: tuple[str, str],
    answers: Mapping[int, str],
) -> Verdict:
    """Compare the host with the model.

    `seen` and `before` are what look.py tells at the end and before the change; `said` is the
    change's state on the site and its last message; `answers` has the name that answers on each of
    `ports_asked`.
    """
    host = where(expected, seen)
    faults = [
        *_state(expected, ending, host, seen, said),
        *_config(expected, host, seen, before),
    ]
    if not seen["record"]:
        return Verdict(host, ("Docker does not run", *faults))
    faults += [*differences(expected, ending, seen), *_ports(expected, ending, host, answers)]
    return Verdict(host, tuple(faults))


def differences(expected: Expected, ending: str, seen: Seen) -> list[str]:
    """Return how the containers and the networks of a host differ from the model."""
    return [*_containers(expected, ending, seen), *_addresses(seen), *_networks(expected, seen)]


def _state(
    expected: Expected, ending: str, host: str, seen: Seen, said: tuple[str, str]
) -> Iterator[str]:
    state, message = said
    holders = expected.holders()
    # Without our key and with the old range taken, a Docker that starts chooses a third subnet.
    third = host == MIXED and expected.bip_removed and bool(holders)
    if state != TRUTH.get(host) and not (third and state == "failed"):
        layers = f"docker0 {seen['docker0']}, record {seen['record']!r}, {daemon_json(seen)}"
        yield f"said {state}, and the host is {host}: {layers}; {message}"
    if ending == CONFIRM:
        if state != "succeeded":
            yield f"confirmed, and said {state}: {message}"
    elif state == "succeeded" and not expected.bip_removed:
        if not holders:
            yield f"not confirmed, nothing keeps the host from the old subnet, and said {state}"
        elif not any(name in message for name in holders):
            yield f"the message does not name what holds the old subnet ({holders}): {message}"


def _containers(expected: Expected, ending: str, seen: Seen) -> Iterator[str]:
    there = seen["containers"]
    for name, container in expected.containers.items():
        right = container.right(ending)
        found = _state_of(there[name]) if name in there else "gone"
        if found not in right:
            yield f"container {name} is {found}, right is {' or '.join(sorted(right))}"
    for name in sorted(expected.gone & set(there)):
        yield f"container {name} was removed and is there again"
    for name in sorted(set(there) - set(expected.containers) - expected.gone):
        yield f"container {name} is nobody's"


def _state_of(container: Seen) -> str:
    if container["paused"]:
        return PAUSED
    return RUNS if container["running"] else DOWN


def _addresses(seen: Seen) -> Iterator[str]:
    """Every container that runs has, inside, the address of Docker's record, of its network."""
    subnets = {**seen["networks"], BRIDGE: seen["record"]}
    for name, container in seen["containers"].items():
        if not container["running"]:
            continue
        inside, recorded = (
            sorted(container["inside"]),
            sorted(filter(None, container["networks"].values())),
        )
        if inside != recorded:
            yield f"container {name} has {inside} inside, and {recorded} in Docker's record"
        for network, address in container["networks"].items():
            subnet = subnets.get(network, "")
            if not (address and subnet) or _network(address) != IPv4Network(subnet):
                yield f"container {name} has {address!r} in {network}, which is {subnet!r}"
        if not container["networks"]:
            yield f"container {name} has no network"


def _network(address: str) -> IPv4Network:
    return IPv4Interface(address).network


def _networks(expected: Expected, seen: Seen) -> Iterator[str]:
    there = {name: IPv4Network(subnet) for name, subnet in seen["networks"].items()}
    for name in sorted(there):
        if name.startswith(OURS):
            yield f"network {name} of ours is left"
        elif name not in expected.networks:
            yield f"network {name} is there, and was removed or never made"
    for name, subnet in expected.networks.items():
        if there.get(name) != subnet:
            yield f"network {name} was {subnet}, and is {there.get(name)}"


def _config(expected: Expected, host: str, seen: Seen, before: Seen) -> Iterator[str]:
    found = {key: value for key, value in daemon_json(seen).items() if key != "bip"}
    if found != expected.config:
        yield f"daemon.json has {found} beside bip, and should have {expected.config}"
    file, was = seen["files"].get("daemon.json"), before["files"].get("daemon.json")
    if host == OLD and not expected.config_edited and file != was:
        yield f"daemon.json is {_plain(file)}, and was {_plain(was)} before the change"
    for path, text in expected.files.items():
        if seen["others"].get(path) != text:
            yield f"{path} is {seen['others'].get(path)!r}, and somebody wrote {text!r}"


def _plain(file: list[str] | None) -> str:
    """Return mode, owner and bytes for people."""
    return "absent" if file is None else f"{file[:3]} {base64.b64decode(file[3])!r}"


def _ports(expected: Expected, ending: str, host: str, answers: Mapping[int, str]) -> Iterator[str]:
    for port, name in ports_asked(expected, ending, host).items():
        if answers.get(port) != name:
            yield f"port {port} of {name} answers {answers.get(port)!r}"
