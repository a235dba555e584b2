"""Hosts as they come in and go out over the API."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ninja import Schema

from dockernet_site.api_schemas import Input


class HostIn(Input):
    """A host to register."""

    name: str
    environment: str = ""
    tags: list[str] = []


class TagsIn(Input):
    """All tags that a host is to have."""

    tags: list[str]


class HostMade(Schema):
    """A registered host; `enroll_command` is shown this once and works once, for an hour."""

    name: str
    environment: str
    status: str
    enroll_command: str


class DockerOut(Schema):
    """The engine; `service` is systemd or sysv."""

    version: str
    running: bool
    service: str
    live_restore: bool


class FirewallOut(Schema):
    """`backend`: nft, legacy or docker-nftables."""

    backend: str


class ContainerOut(Schema):
    """A running container's place in a network."""

    name: str
    ipv4: str | None
    mac: str
    veth: str
    restart_policy: str
    state: str


class NetworkOut(Schema):
    """A Docker network."""

    name: str
    driver: str
    bridge: str | None
    subnet: str | None
    gateway: str | None
    containers: list[ContainerOut]


class LayersOut(Schema):
    """The default bridge's subnet as configured, as Docker has it, in the kernel, in containers."""

    configured: str | None
    docker: str | None
    kernel: str | list[str] | None
    containers: str | list[str] | None
    agree: bool


class NatPublishSpec(Schema):
    """A published port of a NAT specification. `to` is "web:80", a container's name and port, whose
    address the rules follow, or "192.168.225.10:80"."""

    protocol: Literal["tcp", "udp"]
    host_ip: str | None = None
    host_port: int
    to: str


class NatSpec(Schema):
    """A specification of kind "nat", as `POST /changes` takes it."""

    subnet: str
    mode: Literal["masquerade", "snat", "none"]
    to_source: str | None = None
    out_interface: str | None = None
    exclude: list[str] = []
    docker_chain: bool = False
    publish: list[NatPublishSpec] = []
    accept: list[str] = []


class NatOut(Schema):
    """NAT of one subnet: what it should have, and what is there.

    `network` and `bridge` are null where no Docker network has the subnet. `by`: whose rules
    decide. `mend` is the specification of a change that mends it, null where nothing is wrong or
    where only the owner of a rule can; `hint` then has the command.
    """

    network: str | None
    bridge: str | None
    subnet: str
    by: Literal["docker", "dockernet", "others", "nobody"]
    expected: str
    state: Literal["present", "missing", "duplicate", "shadowed", "subnet-gone", "wrong-family"]
    message: str
    rules: list[str]
    mend: NatSpec | None
    hint: str


class HostOut(Schema):
    """A host; null where nothing has been seen yet. `conflicts`: how many subnets of its containers
    overlap a reserved range, or another network of the same host."""

    name: str
    environment: str
    tags: list[str]
    status: str
    conflicts: int
    agent_version: str
    last_seen_at: datetime | None
    observed_at: datetime | None
    keys_at: datetime | None
    rotation_pending: bool
    docker: DockerOut | None
    firewall: FirewallOut | None
    networks: list[NetworkOut]
    layers: LayersOut | None
    nat: list[NatOut] | None


class RefreshOut(Schema):
    """A fresh observation was asked for."""

    request_id: str


class ReservedIn(Input):
    """A range that containers must not use."""

    subnet: str
    label: str


class ReservedOut(Schema):
    """A reserved range."""

    id: int
    subnet: str
    label: str
