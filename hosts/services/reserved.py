"""Ranges that containers must not use: VPN, offices."""

from __future__ import annotations

from ipaddress import IPv4Network

from django.db import IntegrityError, transaction

from audit.services import audit_note
from hosts.models import ReservedRange
from hosts.services.conflicts import conflicts_recount
from netops.engine.errors import Refused
from netops.engine.spec_reader import network_of
from people.errors import Conflict, Forbidden, InvalidInput
from people.models import User


def reserved_range_add(*, user: User, subnet: str, label: str) -> ReservedRange:
    """Add a range. Raises Forbidden unless `user` is an admin, InvalidInput, Conflict if known."""
    _require_admin(user)
    network, label = _checked(subnet, label)
    try:
        with transaction.atomic():
            row = ReservedRange.objects.create(subnet=str(network), label=label)
            message = f"{user.username} reserved the range {row.subnet} ({row.label})."
            _note("reserved", user, row, message)
            conflicts_recount()
            return row
    except IntegrityError as error:
        raise Conflict("known", f"{network} is reserved already.", "subnet") from error


def reserved_range_edit(*, user: User, pk: int, subnet: str, label: str) -> ReservedRange | None:
    """Change a range or its label; None if there is none. Plans made from now on heed it.

    Raises Forbidden unless `user` is an admin, InvalidInput, Conflict if the range is known.
    """
    _require_admin(user)
    network, label = _checked(subnet, label)
    try:
        with transaction.atomic():
            row = ReservedRange.objects.select_for_update().filter(pk=pk).first()
            if row is None or (row.subnet, row.label) == (str(network), label):
                return row
            before = str(row)
            row.subnet, row.label = str(network), label
            row.save(update_fields=["subnet", "label"])
            audit_note(
                action="range.edited",
                by=user.username,
                target=f"range:{row.subnet}",
                message=f"{user.username} changed the range {before} to {row}.",
            )
            conflicts_recount()
            return row
    except IntegrityError as error:
        raise Conflict("known", f"{network} is reserved already.", "subnet") from error


def _require_admin(user: User) -> None:
    if not user.is_site_admin:
        raise Forbidden("role", "Only an admin edits reserved ranges.")


def _checked(subnet: str, label: str) -> tuple[IPv4Network, str]:
    try:
        network = network_of(subnet.strip())
    except Refused as refused:
        raise InvalidInput("invalid", refused.message, "subnet") from refused
    if not label.strip() or len(label) > 100 or "\x00" in label:
        raise InvalidInput("invalid", "A label is plain text of 1 to 100 characters.", "label")
    return network, label.strip()


def reserved_range_remove(*, user: User, pk: int) -> bool:
    """Remove a range; False if there is none. Raises Forbidden unless `user` is an admin."""
    _require_admin(user)
    with transaction.atomic():
        row = ReservedRange.objects.select_for_update().filter(pk=pk).first()
        if row is None:
            return False
        message = f"{user.username} freed the range {row.subnet} ({row.label})."
        _note("freed", user, row, message)
        row.delete()
        conflicts_recount()
    return True


def _note(verb: str, user: User, row: ReservedRange, message: str) -> None:
    audit_note(
        action=f"range.{verb}",
        by=user.username,
        target=f"range:{row.subnet}",
        message=message,
    )
