"""Hosts, how they enrol, what was seen on them, and ranges that containers must not use."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from netops.engine.errors import MessageRejected
from netops.engine.observed import Observed
from netops.engine.serial import from_json


def new_host_id() -> str:
    """Return 12 random hex characters: they name the host's queue, stream and broker user."""
    return secrets.token_hex(6)


class Tag(models.Model):
    """A word of the team's for some of its hosts; there are none that no host has."""

    name = models.CharField(max_length=30, unique=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Host(models.Model):
    """A Docker host. `secret` (hex) signs its messages; `broker_digest` is the SHA-256 (hex) of
    its broker password, which the host alone knows.

    `next_*` and `rotation` are new keys that the host has not proved yet (services/rotation.py);
    what follows `observed_at` is out of `observed`, so that lists need not read it
    (services/fleet_columns.py); `heard_*` is how far its messages are taken down
    (netops/ingest/heard.py)."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        ONLINE = "online", _("Online")
        OFFLINE = "offline", _("Offline")
        REVOKED = "revoked", _("Revoked")

    id = models.CharField(max_length=12, primary_key=True, default=new_host_id, editable=False)
    name = models.SlugField(max_length=63, unique=True)
    environment = models.CharField(max_length=63, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    enrolled_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True, db_index=True)
    went_offline_at = models.DateTimeField(null=True, blank=True)
    boot_id = models.CharField(max_length=64, blank=True)
    agent_version = models.CharField(max_length=64, blank=True)
    secret = models.CharField(max_length=64, blank=True)
    broker_digest = models.CharField(max_length=64, blank=True)
    keys_at = models.DateTimeField(null=True, blank=True)
    next_secret = models.CharField(max_length=64, blank=True)
    next_broker_digest = models.CharField(max_length=64, blank=True)
    rotation = models.JSONField(null=True, blank=True)
    rotation_asked_at = models.DateTimeField(null=True, blank=True)
    rotation_sent_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)
    heard_entry = models.CharField(max_length=41, blank=True)
    proof_nonce = models.CharField(max_length=32, blank=True)
    proof_asked_at = models.DateTimeField(null=True, blank=True)
    observed = models.JSONField(null=True, blank=True)
    observed_at = models.DateTimeField(null=True, blank=True)
    docker_version = models.CharField(max_length=64, blank=True, db_index=True)
    subnet = models.CharField(max_length=18, blank=True)
    subnet_start = models.BigIntegerField(default=0)
    container_count = models.PositiveIntegerField(default=0)
    conflict_count = models.PositiveIntegerField(default=0)
    service_manager = models.CharField(max_length=16, blank=True)
    tags = models.ManyToManyField(Tag, related_name="hosts", blank=True)

    class Meta:
        ordering = ("name",)
        # Orders of the fleet's page, and its search; SQLite would walk past `observed` for them.
        indexes = [
            models.Index(fields=["subnet_start", "name"], name="host_by_subnet"),
            models.Index(fields=["container_count", "name"], name="host_by_containers"),
            models.Index(fields=["conflict_count", "name"], name="host_by_conflicts"),
            models.Index(fields=["docker_version", "name"], name="host_by_docker"),
            models.Index(fields=["subnet", "id"], name="host_subnet_and_id"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def status(self) -> str:
        """pending, online, offline or revoked, by its last sign of life."""
        if self.revoked_at is not None:
            return str(self.Status.REVOKED)
        if self.enrolled_at is None:
            return str(self.Status.PENDING)
        limit = timezone.now() - timedelta(seconds=settings.HOST_OFFLINE_AFTER_S)
        alive = self.last_seen_at is not None and self.last_seen_at >= limit
        return str(self.Status.ONLINE if alive else self.Status.OFFLINE)

    @property
    def status_word(self) -> str:
        """The status in the reader's language, as within a sentence."""
        return self.Status(self.status).label.lower()

    @property
    def is_online(self) -> bool:
        """True if it can be given work."""
        return self.status == self.Status.ONLINE

    @property
    def observation(self) -> Observed | None:
        """The latest observation as the engine's type; None when there is none that it can read
        (an older agent's, until the host reports again)."""
        if self.observed is None:
            return None
        try:
            return from_json(Observed, self.observed)
        except MessageRejected:
            return None


class EnrolmentToken(models.Model):
    """Lets one host in, once, for an hour. Only the SHA-256 of the token is kept."""

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="enrolment_tokens")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"enrolment of {self.host_id}"


class Observation(models.Model):
    """What a host was from `at` on; a row is added only when something changed.

    `facts` are those sentences of `summary` that are about its network, `origin` through whom they
    came about ("" where none is, or nobody asked yet), `change_id` the change that ran meanwhile.
    """

    class Origin(models.TextChoices):
        CHANGE = "change", _("By a change")
        OUTSIDE = "outside", _("Outside Dockernet")
        UNKNOWN = "unknown", _("Not known")

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="observations")
    at = models.DateTimeField()
    cause = models.CharField(max_length=16)
    summary = models.TextField(blank=True)
    facts = models.TextField(blank=True)
    origin = models.CharField(max_length=8, choices=Origin, blank=True)
    change_id = models.PositiveBigIntegerField(null=True, blank=True)
    data = models.JSONField()

    class Meta:
        ordering = ("-id",)
        indexes = [models.Index(fields=["host", "-id"], name="observation_of_host")]

    def __str__(self) -> str:
        return f"{self.host_id} at {self.at:%Y-%m-%d %H:%M:%S}"

    @property
    def fact_lines(self) -> list[str]:
        """What changed of the network, a sentence each."""
        return self.facts.splitlines()

    @property
    def other_lines(self) -> list[str]:
        """What else changed (containers, versions), a sentence each."""
        told = set(self.fact_lines)
        return [line for line in self.summary.splitlines() if line not in told]


class ReservedRange(models.Model):
    """A range that containers must not use, with the team's word for it ("VPN")."""

    subnet = models.CharField(max_length=18, unique=True)
    label = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("subnet",)

    def __str__(self) -> str:
        return f"{self.subnet} ({self.label})"


class HostSubnet(models.Model):
    """A subnet of a host as it was last seen, for the map of the fleet (hosts/host_subnets.py).

    `name` is the Docker network or the link, `clash` what else on that host overlaps it, `low` and
    `high` are its first and last address as numbers."""

    class Use(models.TextChoices):
        DOCKER0 = "docker0", "docker0"
        DOCKER = "docker", _("Docker network")
        ADDRESS = "address", _("Address of the host")
        ROUTE = "route", _("Route")

    host = models.ForeignKey(Host, on_delete=models.CASCADE, related_name="subnets")
    subnet = models.CharField(max_length=18)
    use = models.CharField(max_length=8, choices=Use)
    name = models.CharField(max_length=64, blank=True)
    clash = models.CharField(max_length=100, blank=True)
    low = models.BigIntegerField()
    high = models.BigIntegerField()

    class Meta:
        ordering = ("low", "high")
        indexes = [
            models.Index(fields=["use", "low", "high"], name="subnet_by_use"),
            models.Index(fields=["low", "high"], name="subnet_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.subnet} on {self.host_id}"
