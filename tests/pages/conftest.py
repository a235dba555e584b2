"""People with a browser each, and a host."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from hosts.models import Host
from people.models import User
from tests.pages import world


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    """Cheap passwords: the real hash takes longer than a test."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def people(db: None) -> dict[str, User]:
    """alice asks, bob judges, carol reads, dan may judge too, admin may all."""
    roles = {"alice": "operator", "bob": "approver", "carol": "viewer", "dan": "approver"}
    return {name: world.user(name, role) for name, role in {**roles, "admin": "admin"}.items()}


@pytest.fixture
def browse(people: dict[str, User]) -> Callable[[str], Client]:
    """Return the browser of a person; "" is nobody."""

    def opened(name: str) -> Client:
        client = Client()
        if name:
            client.force_login(people[name])
        return client

    return opened


@pytest.fixture
def web(people: dict[str, User]) -> Host:
    """The host web-1, online, with four containers on 172.17.0.0/16."""
    return world.host("web-1")
