"""The number of queries of a person's work and of the history does not grow with what is shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from netops.models import Approval
from people.models import User
from policies.services import grant_add, policy_save
from tests.pages import world
from tests.pages.test_queries import count

Browse = Callable[[str], Client]


@pytest.mark.parametrize(("path", "most"), [("/work/", 18), ("/work/count/", 14)])
def test_it_shows_my_work_with_few_queries(
    browse: Browse, people: dict[str, User], path: str, most: int
) -> None:
    def more(first: int, last: int) -> None:
        for number in range(first, last):
            asker = world.user(f"asker-{number}", "operator")
            one = world.Story(world.host(f"host-{number}"), asker).planned().change
            giver = world.user(f"giver-{number}", "approver")
            giver.groups.add(group)
            Approval.objects.create(
                change=one, by=giver, decision="approved", plan_digest=one.plan_digest
            )
            held = world.Story(world.host(f"held-{number}"), asker).planned().judged(giver)
            held.began().held()

    admin, group = people["admin"], Group.objects.create(name="net")
    policy = policy_save(
        user=admin, environment="production", approvals_needed=3, approve_granted_only=True
    )
    grant_add(user=admin, policy=policy, action="approve", group="net")
    people["bob"].groups.add(group)
    client = browse("bob")
    more(0, 1)
    few = count(client, path)
    more(1, 12)
    assert count(client, path) == few
    assert few <= most
