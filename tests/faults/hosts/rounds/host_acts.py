"""Acts on networks, on Docker's configuration and unit, on Docker itself and on its rules."""

from __future__ import annotations

import json
import random
from ipaddress import IPv4Network
from typing import Any

from tests.faults.hosts.rounds.act import Act
from tests.faults.hosts.rounds.model import Expected

OURS = "dockernet-"
DAEMON_JSON = "/etc/docker/daemon.json"
DROP_IN = "/etc/systemd/system/docker.service.d/others.conf"
DEFAULT = "/etc/default/docker"
SUBNET = "docker network inspect --format '{{(index .IPAM.Config 0).Subnet}}'"
# Each edits `data`, writes it with the indent that is its first argument and prints it.
EDIT = """
import json, pathlib, sys
path = pathlib.Path("/etc/docker/daemon.json")
data = json.loads(path.read_text()) if path.exists() else {}
data.update(json.loads(sys.argv[2]))
for key in sys.argv[3:]:
    data.pop(key, None)
path.write_text(json.dumps(data, indent=int(sys.argv[1]), sort_keys=True) + "\\n")
print(json.dumps(data))
"""
# Three starts within a minute, by whomever, are the limit of docker.service.
RESTART = {
    "systemd": "systemctl reset-failed docker.service; systemctl restart docker.service",
    "sysv": "service docker restart",
}
ANSWERS = (
    "for i in $(seq 200); do docker version >/dev/null 2>&1 && exit 0; sleep 0.1; done; exit 1"
)


def network_make(rng: random.Random, expected: Expected) -> Act:
    """Make a network where Docker likes, on the old subnet, in a part of it, or elsewhere."""
    number = expected.next_number()
    name, old = f"team{number}", expected.old.network
    subnets: list[IPv4Network | None] = [None, None, None, None, old, old]
    subnets += [next(old.subnets(new_prefix=24)), IPv4Network(f"10.77.{number}.0/24")]
    subnet = rng.choice(subnets)
    asked = "" if subnet is None else f"--subnet {subnet} "

    def effect(expected: Expected, printed: str) -> None:
        expected.networks[name] = IPv4Network(printed.split()[-1])

    command = f"docker network create {asked}{name} && {SUBNET} {name}"
    return Act(command, effect, may_fail=subnet is not None)


def network_remove(rng: random.Random, expected: Expected) -> Act | None:
    """Remove a network that somebody made; Docker refuses it while a container uses it."""
    if not expected.networks:
        return None
    name = rng.choice(sorted(expected.networks))

    def effect(expected: Expected, printed: str) -> None:
        del expected.networks[name]

    return Act(f"docker network rm {name}", effect, may_fail=True)


def networks_prune(rng: random.Random, expected: Expected) -> Act:
    """Remove every network that no running container uses."""

    def effect(expected: Expected, printed: str) -> None:
        for name in printed.split():
            expected.networks.pop(name, None)

    return Act("docker network prune --force", effect)


def config_edit(rng: random.Random, expected: Expected) -> Act:
    """Add a harmless key to daemon.json, change its looks, or, rarely, remove `bip`."""
    number = expected.next_number()
    keys: dict[str, Any] = rng.choice([{"debug": True}, {"labels": [f"rack={number}"]}, {}])
    dropped = ["bip"] if rng.random() < 0.1 else []
    words = [str(rng.choice([1, 2, 4, 8])), f"'{json.dumps(keys)}'", *dropped]

    def effect(expected: Expected, printed: str) -> None:
        data = json.loads(printed)
        expected.bip_removed = "bip" not in data
        data.pop("bip", None)
        expected.config, expected.config_edited = data, True

    return Act(f"python3 - {' '.join(words)} <<'END'{EDIT}END", effect)


def unit_edit(rng: random.Random, expected: Expected) -> Act:
    """Give docker.service a drop-in, or the sysv script a variable, that changes nothing."""
    number = expected.next_number()
    if expected.init == "sysv":
        path = DEFAULT
        command = f"echo 'export RACK={number}' >> {path}"
    else:
        path = DROP_IN
        text = rng.choice([f"[Service]\\nEnvironment=RACK={number}\\n", f"# rack {number}\\n"])
        reload = rng.choice([" && systemctl daemon-reload"] * 2 + [""])
        command = f"mkdir -p {path.rpartition('/')[0]} && printf '{text}' > {path}{reload}"

    def effect(expected: Expected, printed: str) -> None:
        expected.files[path] = printed

    return Act(f"{command} && cat {path}", effect)


def docker_restart(rng: random.Random, expected: Expected) -> Act:
    """Restart Docker as an administrator does."""
    command = f"{RESTART[expected.init]} && {ANSWERS}"
    return Act(command, lambda e, _: e.docker_restarted())


def rules_flush(rng: random.Random, expected: Expected) -> Act:
    """Flush the rules of NAT, or those of FORWARD, Docker's own among them."""
    command = rng.choice(["iptables -t nat -F", "iptables -F FORWARD"])

    def effect(expected: Expected, printed: str) -> None:
        expected.flushed = True

    return Act(command, effect)
