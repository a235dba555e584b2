"""Ground of the rounds: a host that is brought to the same beginning before each of them."""

from __future__ import annotations

from ipaddress import IPv4Interface

import attrs

from lab.host import LabHost
from tests.faults.hosts.rounds.host_acts import ANSWERS, DAEMON_JSON, DEFAULT, DROP_IN, RESTART
from tests.faults.hosts.rounds.model import Expected, crowd
from tests.faults.hosts.stage import ODD, Stage
from tests.faults.hosts.whole import daemon_json, look

# The range that Docker gives to the next network as soon as docker0 has left it.
START = IPv4Interface("172.17.0.1/16")
PUT = "cat > /tmp/put && cat /tmp/put > {path} && rm /tmp/put"
EXPLICIT = f'{{"bip": "{START}", "shutdown-timeout": 15}}\n'


@attrs.define
class Ground:
    """A host of the rounds; `default` is its /etc/default/docker as it was made."""

    stage: Stage
    host: LabHost
    default: str

    def begin(self, *, explicit: bool) -> None:
        """Bring the host to where each round begins, with its own tools alone.

        docker0 has START, by `bip` if `explicit`; the crowd is there and nobody else.
        """
        host = self.host
        host.run("docker ps -aq | xargs -r docker rm -f")
        host.run("docker network ls -q --filter type=custom | xargs -r docker network rm")
        host.write(DEFAULT, self.default)
        host.run(f"rm -f {DROP_IN}")
        if host.init == "systemd":
            host.run("systemctl daemon-reload")
        # Docker keeps the address that docker0 has unless `bip` names one, for one start at least.
        host.write(DAEMON_JSON, EXPLICIT)
        host.run(f"{RESTART[host.init]} && {ANSWERS}", timeout=120)
        if not explicit and host.init == "sysv":
            host.write(DAEMON_JSON, ODD, 0o640)
        elif not explicit:
            host.run(f"rm {DAEMON_JSON}")
        for container in crowd().values():
            publish = [] if container.port is None else [f"{container.port}:80"]
            host.start_container(container.name, restart=container.policy, publish=publish)
        host.run("docker pause frozen && docker stop kept")

    def expected(self, subnet: str) -> Expected:
        """Return the model of this beginning, for a change to `subnet`."""
        config = daemon_json(look(self.host))
        network = IPv4Interface(subnet).network
        return Expected(
            init=self.host.init,
            old=START,
            new=IPv4Interface(f"{network[1]}/{network.prefixlen}"),
            bip=config.pop("bip", ""),
            config=config,
            containers=crowd(),
        )


def ground_new(stage: Stage, init: str) -> Ground:
    """A fresh host for rounds."""
    host = stage.host_new(init, "r")
    return Ground(stage, host, host.read(DEFAULT))
