"""The real site and real enrolled hosts, and a change on one of them, through the public API."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from lab import Lab
from lab.demo import host_enrol
from lab.host import LabHost
from lab.site import Site
from tests.faults.hosts.faults import hook_install

AT_REST = ("succeeded", "rolled_back", "failed", "stale", "expired", "blocked")
PORTS = {8080: "web"}
ODD = '{\n\t"log-level" :"warn",   "shutdown-timeout": 15\n}'
Change = dict[str, Any]


class Stage:
    """A lab and a site; hosts are made as they are needed, each with three containers: `web`
    (restart always, published), `batch` (no restart policy) and `frozen` (paused)."""

    def __init__(self, lab: Lab, site: Site) -> None:
        self.lab = lab
        self.site = site
        self._numbers = count(1)
        self._making = threading.Lock()

    def host_new(self, init: str, purpose: str = "f") -> LabHost:
        """A fresh host, enrolled, with the hook in its agent."""
        with self._making:
            number = next(self._numbers)
            name = f"{purpose}{number}{init[:4]}"
            host: LabHost
            if init == "sysv":
                host = self.lab.sysv(name)
                host.write("/etc/docker/daemon.json", ODD, 0o640)
            else:
                host = self.lab.systemd(name)
        host.boot()
        host.wait_docker()
        host.load_image()
        host.start_container("web", restart="always", publish=["8080:80"])
        host.start_container("batch")
        host.start_container("frozen")
        host.run("docker pause frozen")
        host_enrol(self.site, host)
        hook_install(host)
        return host

    @contextmanager
    def host(self, init: str) -> Iterator[LabHost]:
        """A host for one test."""
        host = self.host_new(init, "t")
        try:
            yield host
        finally:
            self.lab.remove(host)

    def ask(self, host: LabHost, kind: str, spec: dict[str, Any], **more: Any) -> Change:
        """Request a change; return it with its plan, which must have no blocker."""
        alice = self.site.clients["alice"]
        self.online(host)
        body = {"host": host.name, "kind": kind, "spec": spec, "reason": "a fault test", **more}
        made = alice.call("POST", "/changes", body)
        planned = alice.wait(f"/changes/{made['id']}", lambda c: c["state"] != "planning", "a plan")
        assert planned["state"] == "awaiting_approval", planned
        return dict(planned)

    def approve(self, change: Change) -> None:
        """Approve as bob: the job begins."""
        digest = {"plan_digest": change["plan"]["digest"]}
        self.site.clients["bob"].call("POST", f"/changes/{change['id']}/approve", digest)

    def state(self, change: Change) -> str:
        """The state of a change, as the site says it now."""
        return str(self.site.clients["carol"].call("GET", f"/changes/{change['id']}")["state"])

    def ended(self, change: Change, timeout_s: float = 120.0) -> Change:
        """Wait for a change's end and return it."""
        path = f"/changes/{change['id']}"
        seen = self.site.clients["carol"].wait(
            path, lambda c: c["state"] in AT_REST, "the end", timeout=timeout_s
        )
        return dict(seen)

    def online(self, host: LabHost, timeout_s: float = 60.0) -> None:
        """Wait until the site hears the host and the host is at no job."""
        path = f"/hosts/{host.name}"
        self.site.clients["carol"].wait(
            path, lambda seen: seen["status"] == "online", "online", timeout=timeout_s
        )

    def events(self, change: Change) -> list[dict[str, Any]]:
        """The history of a change that has ended: complete, in order, one end and that last."""
        found = list(self.site.clients["carol"].events(change["id"], timeout=30))
        numbers = [event["seq"] for event in found]
        assert numbers == list(range(1, len(found) + 1)), numbers
        types = [event["type"] for event in found]
        assert types.count("end") == 1, types
        assert types[-1] == "end", types
        assert found[-1]["total"] == len(found)
        assert found[-1]["state"] == self.state(change)
        return found

    def subnet(self, host: LabHost) -> str:
        """docker0's subnet as Docker on the host has it."""
        text = "docker network inspect -f '{{(index .IPAM.Config 0).Subnet}}' bridge"
        return str(host.run(text).stdout).strip()

    def change(self, host: LabHost, kind: str, spec: dict[str, Any]) -> Change:
        """A whole change without any fault; it must succeed."""
        change = self.ask(host, kind, spec)
        self.approve(change)
        ended = self.ended(change)
        assert ended["state"] == "succeeded", (ended, self.events(change)[-1])
        return change
