"""The audit log: entries say from where they came, and nothing takes them back."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db import DatabaseError, connection, transaction

from audit.models import Entry
from audit.origin import Origin, origin_set
from audit.services import audit_note

pytestmark = pytest.mark.django_db


def test_an_entry_says_who_what_and_from_where() -> None:
    with origin_set(Origin("api", "192.0.2.7")):
        audit_note(action="host.revoked", by="admin", message="Revoked.", target="host:h1")
    entry = Entry.objects.get()
    assert (entry.action, entry.by, entry.target) == ("host.revoked", "admin", "host:h1")
    assert (entry.via, entry.address) == ("api", "192.0.2.7")


def test_the_database_refuses_to_change_or_remove_an_entry() -> None:
    if connection.vendor == "sqlite":
        # The tests run without this trigger (tests/conftest.py); it goes with this transaction.
        migration = import_module("audit.migrations.0002_append_only")
        with connection.cursor() as cursor:
            cursor.execute(migration.SQLITE[1])
    audit_note(action="host.revoked", by="admin", message="Revoked.")
    for act in (
        lambda: Entry.objects.update(by="nobody"),
        lambda: Entry.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            act()
    assert [entry.by for entry in Entry.objects.all()] == ["admin"]
