"""What look.py would tell of a host that is as a model of a round has it."""

from __future__ import annotations

import base64
import json
from ipaddress import IPv4Interface
from typing import Any

from tests.faults.hosts.rounds.model import BRIDGE, DOWN, PAUSED, Expected, crowd
from tests.faults.hosts.whole import Seen

OLD_DOCKER0 = IPv4Interface("172.17.0.1/16")
NEW_DOCKER0 = IPv4Interface("10.96.1.1/24")


def model_new(**options: Any) -> Expected:
    """A model of a sysv host whose daemon.json has one key and no `bip`."""
    plain = {"init": "sysv", "config": {"debug": False}, "containers": crowd()}
    return Expected(old=OLD_DOCKER0, new=NEW_DOCKER0, **{**plain, **options})


def file_of(config: dict[str, Any]) -> list[Any]:
    """daemon.json as look.py tells it: mode, owner, group, bytes."""
    text = base64.b64encode(json.dumps(config).encode()).decode()
    return ["0o644", 0, 0, text]


def seen_of(expected: Expected, docker0: IPv4Interface) -> Seen:
    """A host that is as the model has it, with docker0 at that address."""
    bip = {"bip": expected.bip} if expected.bip else {}
    if docker0 == expected.new:
        bip = {"bip": str(docker0)}
    networks = {name: str(subnet) for name, subnet in expected.networks.items()}
    return {
        "docker0": [str(docker0)],
        "record": str(docker0.network),
        "networks": networks,
        "files": {"daemon.json": file_of({**expected.config, **bip})},
        "others": dict(expected.files),
        "containers": {
            name: _container(container.state, container.network, docker0, networks)
            for name, container in expected.containers.items()
        },
    }


def _container(state: str, network: str, docker0: IPv4Interface, networks: Seen) -> Seen:
    subnet = docker0 if network == BRIDGE else IPv4Interface(networks[network])
    address = f"{subnet.network[5]}/{subnet.network.prefixlen}"
    runs = state != DOWN
    return {
        "running": runs,
        "paused": state == PAUSED,
        "inside": [address] if runs else [],
        "networks": {network: address if runs else ""},
    }
