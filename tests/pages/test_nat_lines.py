"""A published port as one line of the form, and back."""

from __future__ import annotations

from typing import Any

import pytest

from netops.engine.desired import parse_spec
from netops.forms_nat import publish_line, publish_of
from tests.pages.test_request_nat import SPEC


@pytest.mark.parametrize("item", SPEC["publish"])
def test_it_reads_a_line_as_it_writes_it(item: dict[str, Any]) -> None:
    assert publish_of(publish_line(item)) == item
    parse_spec("nat", {"subnet": "172.17.0.0/16", "mode": "none", "publish": [item]})
