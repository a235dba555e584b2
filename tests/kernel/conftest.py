"""A small host in two network namespaces of the real kernel: bridge, veth and a container."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from attrs import frozen

from netops.engine.adapters.threads import in_namespace, namespace_id

T = TypeVar("T")


@frozen
class Namespace:
    """A network namespace, held by the process `pid`."""

    pid: int

    def ip(self, words: str) -> str:
        """Run ip(8) in the namespace; returns what it prints."""
        return self.run("ip", *words.split())

    def run(self, *argv: str) -> str:
        """Run a program in the namespace; returns what it prints."""
        entered = ["nsenter", "-t", str(self.pid), "-n", *argv]
        done = subprocess.run(entered, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def inside(self, work: Callable[[], T]) -> T:
        """Call `work` in a thread that lives in the namespace."""
        return in_namespace(self.pid, work)


@frozen
class SmallHost:
    """`host` has br0 (10.10.0.1/24) with the veth `v0`; `container` its eth0 (10.10.0.2/24)."""

    host: Namespace
    container: Namespace


@pytest.fixture
def namespace() -> Iterator[Callable[[], Namespace]]:
    """Make empty namespaces, with loopback up; they go when the test ends."""
    if os.geteuid() != 0:
        pytest.skip("needs root: run as root")
    holders: list[subprocess.Popen[bytes]] = []

    def make() -> Namespace:
        holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        holders.append(holder)
        while namespace_id(holder.pid) == namespace_id("self"):
            assert holder.poll() is None
            time.sleep(0.002)
        made = Namespace(holder.pid)
        made.ip("link set lo up")
        return made

    yield make
    for holder in holders:
        holder.kill()
        holder.wait()


@pytest.fixture
def small_host(namespace: Callable[[], Namespace]) -> SmallHost:
    """A bridge with one container behind it."""
    host, container = namespace(), namespace()
    # A bridge that snoops sends IGMP reports of its own, which would be tracked connections too.
    host.ip("link add br0 type bridge mcast_snooping 0")
    host.ip("addr add 10.10.0.1/24 brd + dev br0")
    host.ip("link set br0 up")
    host.ip(f"link add v0 type veth peer name eth0 netns {container.pid}")
    host.ip("link set v0 master br0 up")
    container.ip("addr add 10.10.0.2/24 dev eth0")
    container.ip("link set eth0 up")
    return SmallHost(host, container)
