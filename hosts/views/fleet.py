"""The list of all hosts."""

from __future__ import annotations

import hashlib

from django.contrib.auth.decorators import login_required
from django.core.cache import caches
from django.core.paginator import Page, Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from hosts.fleet_selectors import SORTS, STATUSES, docker_versions, host_list, host_rows, tag_names
from hosts.models import Host
from hosts.selectors import environments, fleet_is_empty
from netops.models import Change
from netops.selectors import changes_holding
from netops.words import word_now
from people.requests import UserRequest

PAGE_SIZES = (50, 100, 200)
RECENT_S = 2
# More is no search: each word of it costs the database a look at every host.
_MOST_TYPED = 200
_FILTERS = {
    "q": "search",
    "environment": "environment",
    "tag": "tag",
    "status": "status",
    "docker": "docker_version",
    "conflicts": "conflicts",
    "changes": "changes",
}
"""What each filter is called in the URL, and to host_list."""

Row = tuple[Host, list[Change]]


@login_required
@never_cache
@require_GET
def fleet(request: UserRequest) -> HttpResponse:
    """All hosts, narrowed and sorted by what stands in the URL; htmx gets the rows alone, and only
    if they are news."""
    recent = _Recent(request)
    if request.htmx and recent.is_known():
        return HttpResponse(status=204)
    filters = {name: request.GET.get(name, "")[:_MOST_TYPED].strip() for name in _FILTERS}
    sort = request.GET.get("sort", "")
    hosts = host_list(**{_FILTERS[name]: said for name, said in filters.items()}, sort=sort)
    pks = hosts.values_list("pk", flat=True)
    size = _page_size(request)
    # A search reads every host: once, not a second time to count.
    page = Paginator(list(pks) if filters["q"] else pks, size).get_page(request.GET.get("page"))
    rows = _rows(page)
    known = _known(page, rows)
    recent.keep(known)
    if request.htmx and request.GET.get("known") == known:
        return HttpResponse(status=204)
    context = {
        "page": page,
        "rows": rows,
        "known": known,
        "headings": _headings(sort),
        "size": size,
        "sizes": PAGE_SIZES if page.paginator.count > PAGE_SIZES[0] else (),
    }
    if request.htmx:
        return render(request, "hosts/_list_rows.html", context)
    context |= {
        "q": filters["q"],
        "choices": _choices(filters),
        "kept": {n: v for n, v in request.GET.items() if n in ("sort", "size") and v},
        "filtered": any(filters.values()),
        "narrowed": any(value for name, value in filters.items() if name != "q"),
        "fleet_is_empty": not page.paginator.count and fleet_is_empty(),
    }
    return render(request, "hosts/list.html", context)


class _Recent:
    """What the same list was to whoever asked last, at most RECENT_S ago: of many open pages one
    asks the database for all. People see the same hosts, whoever they are."""

    def __init__(self, request: UserRequest) -> None:
        self._known = request.GET.get("known", "")
        asked = sorted((n, v) for n, v in request.GET.lists() if n != "known")
        self._key = "fleet-" + hashlib.sha256(repr(asked).encode()).hexdigest()

    def is_known(self) -> bool:
        """Return True if the reader's page shows that already."""
        return bool(self._known) and caches["memory"].get(self._key) == self._known

    def keep(self, known: str) -> None:
        """Note what the list is now."""
        caches["memory"].set(self._key, known, RECENT_S)


def _page_size(request: UserRequest) -> int:
    asked = request.GET.get("size", "")
    return int(asked) if asked in map(str, PAGE_SIZES) else PAGE_SIZES[0]


def _rows(page: Page[str]) -> list[Row]:
    """Return the hosts of a page, each with its changes under way."""
    hosts = host_rows(pks=page.object_list)
    open_changes = changes_holding(host_ids=[host.pk for host in hosts])
    return [(host, open_changes.get(host.pk, [])) for host in hosts]


def _known(page: Page[str], rows: list[Row]) -> str:
    """What a reader's page knows: another text means that there is news.

    That an online host was seen again is none: its row says "online" and no time.
    """
    told: list[object] = [page.number, page.paginator.count]
    for host, changes in rows:
        seen = None if host.is_online else host.last_seen_at
        told += [host.pk, host.name, host.environment, host.status, seen, host.subnet]
        told += [host.container_count, host.conflict_count, host.docker_version]
        told += [host.service_manager, host.observed_at is None]
        told += [tag.name for tag in host.tags.all()]
        told += [(change.pk, word_now(change).label) for change in changes]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def _headings(sort: str) -> list[tuple[str, str, str, str]]:
    """Return name, label, what sorting by it is called in the URL, and aria-sort."""
    labels = {
        "host": _("Host"),
        "status": _("State"),
        "docker0": _("docker0"),
        "containers": _("Containers"),
        "conflicts": _("Conflicts"),
        "change": _("Change"),
        "docker": _("Docker"),
        "seen": _("Seen"),
    }
    now = sort if sort.removeprefix("-") in SORTS else "host"
    first_down = ("containers", "conflicts", "change", "docker", "seen")
    found = []
    for name, label in labels.items():
        order = {name: "ascending", f"-{name}": "descending"}.get(now, "")
        begin = f"-{name}" if name in first_down else name
        turned = {name: f"-{name}", f"-{name}": name}.get(now, begin)
        found.append((name, label, turned, order))
    return found


def _choices(filters: dict[str, str]) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """Return name, label, value and options of each filter but the search."""
    words = {str(s): str(s.label) for s in STATUSES}
    yes_no = {"yes": _("Yes"), "no": _("No")}
    options = (
        ("environment", _("Environment"), _same(environments())),
        ("tag", _("Tag"), _same(tag_names())),
        ("status", _("State"), words),
        ("docker", _("Docker"), _same(docker_versions())),
        ("conflicts", _("Conflicts"), yes_no),
        ("changes", _("Change"), yes_no),
    )
    return [(n, label, filters[n], list(given.items())) for n, label, given in options]


def _same(names: list[str]) -> dict[str, str]:
    return dict(zip(names, names, strict=True))
