"""Messages that could not be believed: told in the audit log, a few lines however many they are."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from audit.models import Entry
from audit.origin import Origin, origin_set
from audit.services import audit_note
from hosts.models import Host
from hosts.services import broker_access
from hosts.services.clean import clean_text

FORGED, DROPPED, REFUSED = "message.forged", "message.dropped", "message.refused"
EVERY = timedelta(minutes=1)
# What a host refuses because somebody may have tampered; a hostile host invents no others.
REFUSAL_CODES = frozenset(
    {
        *("altered", "bad-signature", "expired", "foreign", "malformed"),
        *("replayed", "too-long", "unknown-type", "version"),
    }
)


class Troubles:
    """Counts what one process sees; an entry for each host, act and code in a minute.

    What comes within the minute is told with the next one, in `flush`.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str, str], tuple[int, str]] = {}

    def note(self, host: Host, action: str, code: str, message: str) -> None:
        """Count one message of `host`; `message` says in a sentence what was wrong with it."""
        key = (host.name, action, code)
        self._waiting[key] = (self._waiting.get(key, (0, ""))[0] + 1, message)

    def flush(self) -> None:
        """Write what is due, outside of any transaction that may fail for other reasons."""
        for key, (count, message) in list(self._waiting.items()):
            name, action, code = key
            since = timezone.now() - EVERY
            told = Entry.objects.filter(target=f"host:{name}", action=action, at__gt=since)
            if any(data.get("code") == code for data in told.values_list("data", flat=True)):
                continue
            with origin_set(Origin("host")):
                audit_note(
                    action=action,
                    by=name,
                    target=f"host:{name}",
                    message=_sentence(name, action, count, message),
                    data={"code": code, "count": count},
                )
            del self._waiting[key]
            host = Host.objects.filter(name=name).values_list("pk", flat=True).first()
            if host:
                broker_access.announce_host(host)


def _sentence(name: str, action: str, count: int, message: str) -> str:
    text, one = clean_text(message)[:300], count == 1
    if action == REFUSED:
        if one:
            return f"{name} refused a message in its queue: {text}"
        return f"{name} refused {count} messages in its queue: {text}"
    if action == FORGED:
        if one:
            return f"Dropped a message on the stream of {name} that did not come from it: {text}"
        return f"Dropped {count} messages on the stream of {name} that did not come from it: {text}"
    return (
        f"Dropped a message of {name}: {text}"
        if one
        else (f"Dropped {count} messages of {name}: {text}")
    )
