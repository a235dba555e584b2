"""A bridge drawn as a switch: every port is there, nothing overlaps, a table says the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations

import pytest
from attrs import evolve
from django.test import Client

from hosts.nat import nat_section
from hosts.nat_audit import nat_audit
from hosts.picture import picture_of
from hosts.switch.layout import Drawing, draw, fitted
from hosts.switch.way_out import way_out_of
from netops.engine.layers import layers_of
from netops.engine.observed import Observed
from people.models import User
from tests.pages import world
from tests.pages.host_example import observed, without_nat
from tests.pages.reading import text

Browse = Callable[[str], Client]
LONG = "a-container-with-a-name-that-no-box-can-hold-1"


def drawn(seen: Observed) -> Drawing:
    bridge = picture_of(seen, layers_of(seen)).bridge
    section = nat_section("web-1", seen, nat_audit(seen))
    return draw(bridge, way_out_of(seen, bridge, section), 0)


@pytest.mark.parametrize("count", [0, 1, 5, 24, 25, 200])
def test_it_gives_every_port_a_place_of_its_own(count: int) -> None:
    d = drawn(observed(containers=count))
    assert len(d.cells) + len(d.more) == d.ports == count
    assert len(d.cells) <= 28
    for cells in (d.cells, d.more):
        for one, other in combinations(cells, 2):
            apart = abs(one.x - other.x) >= d.cell_width or abs(one.y - other.y) >= d.cell_height
            assert apart
    for cell in (*d.cells, *d.more):
        assert cell.x >= 12
        assert cell.x + d.cell_width <= 948
    assert all(c.y + d.cell_height < 112 + d.body_height < d.height for c in d.cells)
    assert all(c.y + d.cell_height <= d.more_height for c in d.more)


@pytest.mark.parametrize("count", [0, 1, 5, 24, 25, 200])
def test_the_picture_of_a_phone_holds_a_few_ports_and_counts_the_rest(count: int) -> None:
    d = drawn(observed(containers=count, names=(LONG,))).phone
    assert d is not None
    assert (len(d.cells), d.hidden, d.more) == (min(count, 12), max(0, count - 12), ())
    for one, other in combinations(d.cells, 2):
        apart = abs(one.x - other.x) >= d.cell_width or abs(one.y - other.y) >= d.cell_height
        assert apart
    for cell in d.cells:
        assert cell.x + d.cell_width <= 348
        assert cell.y + d.cell_height < 112 + d.body_height < d.height
        assert 13 + len(cell.name) * 6.93 <= d.cell_width
    # A MAC address is the longest text that is never cut.
    assert 13 + len("02:42:ac:11:00:02") * 6.93 <= d.cell_width


def test_it_cuts_what_does_not_fit() -> None:
    for count in (5, 200):
        d = drawn(observed(containers=count, names=(LONG,)))
        cell = next(c for c in (*d.cells, *d.more) if c.port.container == LONG)
        assert cell.name.endswith("…")
        # 0.63 of 11 units a character, after the margin on the left.
        assert 13 + len(cell.name) * 6.93 <= d.cell_width
        assert LONG in cell.full
    assert fitted("가나다라", 5) == "가나…"
    assert fitted("가나", 4) == "가나"


def test_it_says_what_leaves_by_which_rule() -> None:
    assert (drawn(observed()).way_out.nat, drawn(observed()).nat) == ("good", "MASQUERADE")
    assert [u.link for u in drawn(observed()).way_out.uplinks] == ["eth0"]
    assert drawn(without_nat(observed())).way_out.nat == "bad"
    routes = tuple(r for r in observed().routes if r.destination.prefixlen)
    assert drawn(observed(routes=routes)).uplinks == ()
    networks = (evolve(observed().networks[0], internal=True), *observed().networks[1:])
    assert drawn(observed(networks=networks)).way_out.internal


@pytest.mark.parametrize("count", [0, 5, 200])
def test_it_says_the_same_in_a_table(browse: Browse, people: dict[str, User], count: int) -> None:
    seen = observed(containers=count, names=(LONG,))
    world.host("web-1", observed=seen)
    answer = browse("carol").get("/hosts/web-1/")
    page = answer.content.decode()
    # Each of both bridges once for a large screen and once for a phone; what is folded away.
    assert page.count('role="img"') == (5 if count > 28 else 4)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert "style=" not in page
    table = page.partition("The same as a table")[2].partition("</details>")[0]
    for container in seen.containers:
        endpoint = container.endpoints[0]
        for word in (container.name, str(endpoint.ipv4), endpoint.mac, endpoint.veth):
            assert word in table
    assert ("Nothing is plugged in" in table) == (count == 0)
    assert "NAT: MASQUERADE" in text(answer)
