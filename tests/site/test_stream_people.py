"""An event stream ends with the account of who reads it."""

from __future__ import annotations

import asyncio

import pytest

from dockernet_site.broker import EmbeddedBroker
from netops import stream
from netops.models import Change
from netops.states import State
from people.models import User
from tests.site.rows import change_row, host_row

pytestmark = pytest.mark.django_db(transaction=True)


def _deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def test_it_ends_the_stream_of_who_is_deactivated_and_no_other(
    broker: EmbeddedBroker, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "ACTIVE_S", 0.1)
    change: Change = change_row(host_row("web-1"), people["alice"], State.AWAITING_APPROVAL)

    async def read(user: User) -> None:
        async for _ in stream.events(change.pk, user_id=user.pk):
            pass

    async def both() -> None:
        goes = asyncio.create_task(read(people["carol"]))
        stays = asyncio.create_task(read(people["alice"]))
        await asyncio.sleep(0.5)
        assert not goes.done()
        await asyncio.to_thread(_deactivate, people["carol"])
        await asyncio.wait_for(goes, 5)
        await asyncio.sleep(0.3)
        assert not stays.done()
        stays.cancel()
        await asyncio.gather(stays, return_exceptions=True)
        assert stream.hub()._people == {}

    asyncio.run(both())
