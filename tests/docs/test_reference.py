"""docs/reference/ is what the code says, no more and no less."""

from __future__ import annotations

import pytest

from netops.services.event_said import TYPES
from netops.states import State
from teach.reference.findings import nat_codes, subnet_codes
from teach.reference.pages import FOLDER, pages
from teach.reference.setting_words import WORDS
from teach.reference.settings import variables
from teach.reference.states import EVENTS, MEANINGS
from teach.reference.words_nat import NAT
from teach.reference.words_subnet import SUBNET

# Of the public contract: no change may lose one.
CONTRACT = {
    "blocker": """no-change overlaps-docker-network overlaps-host-address overlaps-route
        overlaps-dns overlaps-controller overlaps-reserved too-small fixed-cidr-outside
        gateway-outside bridge-not-managed config-unreadable config-flag-conflict host-ip-bound
        swarm-node removes-container""",
    "warning": """public-range controller-through-bridge extra-addresses
        rules-name-old-subnet""",
    "info": "restarts-containers starts-unmanaged-containers live-restore",
}


@pytest.mark.parametrize(
    "name", ["api.md", "commands.md", "findings.md", "settings.md", "states.md"]
)
def test_it_is_committed_as_the_code_makes_it(name: str) -> None:
    assert (FOLDER / name).read_text() == pages()[name], "run ./dockernet manage reference"


def test_it_has_no_page_that_the_code_does_not_make() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(pages())


def test_it_explains_what_there_is_and_nothing_else() -> None:
    assert set(subnet_codes()) == set(SUBNET)
    assert set(nat_codes()) == set(NAT)
    assert set(variables()) == set(WORDS)
    assert set(MEANINGS) == {state.value for state in State}
    assert set(EVENTS) == set(TYPES)


def test_it_finds_every_code_of_the_contract_with_its_severity() -> None:
    found = subnet_codes()
    for severity, codes in CONTRACT.items():
        for code in codes.split():
            assert found.get(code) == severity, code
