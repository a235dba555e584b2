"""All pages of docs/reference/."""

from __future__ import annotations

from dockernet_site.api import api
from teach.reference.api import api_page
from teach.reference.commands import commands_page
from teach.reference.findings import findings_page
from teach.reference.settings import settings_page
from teach.reference.source import ROOT
from teach.reference.states import states_page

FOLDER = ROOT / "docs" / "reference"


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    return {
        "api.md": api_page(api.get_openapi_schema()),
        "commands.md": commands_page(),
        "findings.md": findings_page(),
        "settings.md": settings_page(),
        "states.md": states_page(),
    }
