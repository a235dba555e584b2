"""Ranges that containers must not use: VPN, offices."""

from __future__ import annotations

from ipaddress import IPv4Network

from django.db import IntegrityError, transaction

from audit.services import audit_note
from hosts.models import ReservedRange
from people.errors import Conflict, Forbidden, InvalidInput
from people.models import User


def reserved_range_add(*, user: User, subnet: str, label: str) -> ReservedRange:
    """Add a range. Raises Forbidden unless `user` is an admin, InvalidInput, Conflict if known."""
    if not user.is_site_admin:
        raise Forbidden("role", "Only an admin edits reserved ranges.")
    try:
        network = IPv4Network(subnet)
    except ValueError as error:
        message = "A range is an IPv4 network such as 10.8.0.0/16, without host bits."
        raise InvalidInput("invalid", message, "subnet") from error
    if not label.strip() or len(label) > 100 or "\x00" in label:
        raise InvalidInput("invalid", "A label is plain text of 1 to 100 characters.", "label")
    try:
        with transaction.atomic():
            row = ReservedRange.objects.create(subnet=str(network), label=label.strip())
            _note("reserved", user, row)
            return row
    except IntegrityError as error:
        raise Conflict("known", f"{network} is reserved already.", "subnet") from error


def reserved_range_remove(*, user: User, pk: int) -> bool:
    """Remove a range; False if there is none. Raises Forbidden unless `user` is an admin."""
    if not user.is_site_admin:
        raise Forbidden("role", "Only an admin edits reserved ranges.")
    with transaction.atomic():
        row = ReservedRange.objects.select_for_update().filter(pk=pk).first()
        if row is None:
            return False
        _note("freed", user, row)
        row.delete()
    return True


def _note(verb: str, user: User, row: ReservedRange) -> None:
    audit_note(
        action=f"range.{verb}",
        by=user.username,
        target=f"range:{row.subnet}",
        message=f"{user.username} {verb} the range {row.subnet} ({row.label}).",
    )
