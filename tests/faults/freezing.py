"""Another time of the day for what seals messages and for the site, in this process alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from unittest import mock

from django.utils import timezone


@contextmanager
def at_time(moment: datetime) -> Iterator[None]:
    """Let `netops.wire` and django.utils.timezone see `moment`, plus the time that passes."""
    ahead = moment - datetime.now(UTC)

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + ahead

    real = timezone.now
    with (
        mock.patch("netops.wire.datetime", Shifted),
        mock.patch.object(timezone, "now", side_effect=lambda: real() + ahead),
    ):
        yield
