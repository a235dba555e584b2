"""The list of hosts, a host's page, adding and revoking one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from attrs import evolve
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from hosts.models import EnrolmentToken, Host, ReservedRange
from hosts.picture import picture_of
from hosts.services import host_create
from netops.engine.layers import layers_of
from netops.engine.observed import DaemonConfig, Observed, Route
from netops.engine.serial import from_json
from people.models import User
from tests.pages import world
from tests.pages.host_example import container, observed
from tests.pages.reading import tags, targets, text, text_of

RECORDED = Path(__file__).parent.parent / "engine" / "recorded"
Browse = Callable[[str], Client]
HX = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script>"


def test_it_tells_how_to_begin(browse: Browse) -> None:
    page = browse("admin").get("/")
    assert "No hosts yet" in text(page)
    assert "/add-host/" in targets(page)
    assert "/add-host/" not in targets(browse("carol").get("/"))


def test_it_lists_what_matters_of_each_host(browse: Browse, people: dict[str, User]) -> None:
    web = world.host("web-1")
    world.host("edge-1", observed=observed(manager="sysv"), online=False)
    change = world.Story(web, people["alice"]).planned().change
    page = text(browse("carol").get("/"))
    for word in ("web-1", "production", "172.17.0.0/16", "26.1.5", "systemd", "Online"):
        assert word in page
    assert f"#{change.pk} Awaiting approval" in page
    assert "sysv" in page
    assert "Offline" in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"web-1", "edge-1", "new-1"}),
        ("?q=edge", {"edge-1"}),
        ("?q=10.99", {"edge-1"}),
        ("?environment=staging", {"edge-1"}),
        ("?status=pending", {"new-1"}),
        ("?status=online&environment=production", {"web-1"}),
        ("?q=nothing-like-it", set()),
        ("?status=nonsense", set()),
        ("?page=77", {"web-1", "edge-1", "new-1"}),
    ],
)
def test_it_narrows_the_list_by_its_address(
    browse: Browse, people: dict[str, User], query: str, names: set[str]
) -> None:
    world.host("web-1")
    far = observed(subnet="10.99.0.0/16")
    world.host("edge-1", environment="staging", observed=far, online=False)
    world.host("new-1", enrolled_at=None, observed=None)
    for headers in ({}, HX):
        found = targets(browse("carol").get(f"/{query}", headers=headers))
        assert {path.split("/")[2] for path in found if path.startswith("/hosts/")} == names


def test_it_gives_htmx_the_rows_alone(browse: Browse, web: Host) -> None:
    part = browse("carol").get("/?status=online", headers=HX).content.decode()
    assert part.lstrip().startswith('<div id="host-rows"')
    assert 'hx-get="/?status=online&amp;known=' in part


def test_it_pages_long_lists(browse: Browse, people: dict[str, User]) -> None:
    Host.objects.bulk_create(Host(id=f"{n:012x}", name=f"h-{n:03}") for n in range(120))
    page = browse("carol").get("/?page=2&status=pending")
    assert "51 to 100 of 120 hosts" in text(page)
    assert {"?page=1&status=pending", "?page=3&status=pending"} <= targets(page)


def test_it_shows_what_ifconfig_brctl_and_inspect_would(browse: Browse, web: Host) -> None:
    page = text(browse("carol").get("/hosts/web-1/"))
    for word in (
        "172.17.0.1/16",
        "02:42:5e:91:0c:7a",
        "veth0000001",
        "app-1",
        "172.17.0.3",
        "02:42:ac:11:00:03",
        "unless-stopped",
        "8080 → 80/tcp",
        "172.18.0.0/16",
        "10.8.0.0/16",
        '{"max-file": "3", "max-size": "10m"}',
        "/etc/docker/daemon.json",
        "nft",
        "they agree",
    ):
        assert word in page


def test_it_marks_layers_that_disagree(browse: Browse, people: dict[str, User]) -> None:
    world.host("web-1", observed=observed(kernel_address="10.1.0.1/24"))
    page = browse("carol").get("/hosts/web-1/")
    assert "they disagree" in text(page)
    assert "10.1.0.0/24 ip addr show docker0 (differs)" in text(page)
    assert "do not agree" in text(page)


def test_it_names_what_is_wrong(browse: Browse, people: dict[str, User]) -> None:
    seen = observed()
    path = seen.config.path
    broken = DaemonConfig(path, "{", error="line 1 ends", conflicts=("bip",))
    down = evolve(seen.daemon, running=False)
    told = evolve(seen, config=broken, daemon=down, problems=("netns of app-1: gone",))
    world.host("web-1", observed=told)
    page = text(browse("carol").get("/hosts/web-1/"))
    assert "Docker does not run on this host." in page
    assert f"{path} cannot be read: line 1 ends" in page
    assert "“bip” is set both as a flag and" in page
    assert "netns of app-1: gone" in page


@pytest.mark.parametrize(
    ("off", "told"),
    [
        (3600, "60 minutes ahead"),
        (-3600, "60 minutes behind"),
        (-3 * 3600, "3 hours behind"),
        (59 * 3600, "2 days ahead"),
        (-400, ""),
        (30, ""),
    ],
)
def test_it_says_that_a_clock_is_off(
    browse: Browse, people: dict[str, User], off: int, told: str
) -> None:
    arrived = timezone.now()
    seen = evolve(observed(), at=(arrived + timedelta(seconds=off)).isoformat())
    world.host("web-1", observed=seen, observed_at=arrived)
    page = text(browse("carol").get("/hosts/web-1/"))
    assert ("The clock of this host is about" in page) == bool(told)
    assert told in page


def test_it_escapes_what_a_host_says(browse: Browse, people: dict[str, User]) -> None:
    network = IPv4Network("172.17.0.0/16")
    evil = container(0, network, HOSTILE, image=HOSTILE, restart_policy=HOSTILE)
    told = evolve(observed(containers=0), containers=(evil,), hostname=HOSTILE)
    world.observation(world.host("web-1", observed=told, docker_version=HOSTILE), HOSTILE)
    for path in ("/", "/hosts/web-1/", "/hosts/web-1/history/"):
        page = browse("carol").get(path)
        assert HOSTILE not in page.content.decode()
        assert HOSTILE in text(page)


def test_it_stays_quiet_until_there_is_news(browse: Browse, web: Host) -> None:
    client = browse("carol")
    page = client.get("/hosts/web-1/")
    poll = tags(page, "div")
    address = next(named["hx-get"] for named in poll if named.get("id") == "host-part")
    assert client.get(address, headers=HX).status_code == 204
    Host.objects.update(last_seen_at=None)
    news = client.get(address, headers=HX)
    assert "Offline" in text(news)
    assert "<html" not in news.content.decode()


def test_it_shows_the_enrolment_line_once(browse: Browse) -> None:
    client = browse("admin")
    answer = client.post("/add-host/", {"name": "web-9", "environment": "lab"})
    assert answer["Location"] == "/hosts/web-9/"
    assert "python3" not in str(client.session.items())
    command = text_of(client.get("/hosts/web-9/"), "enroll-command")
    assert command.startswith("python3 -c ")
    again = client.get("/hosts/web-9/")
    assert command.split()[-1] not in again.content.decode()
    assert "Waiting for web-9" in text(again)
    assert client.post("/hosts/web-9/enrol/").status_code == 302
    assert "python3" not in str(client.session.items())
    renewed = text_of(client.get("/hosts/web-9/"), "enroll-command")
    assert renewed.split()[-1] != command.split()[-1]


@pytest.mark.parametrize("name", ["Web 1", "-web", "", "a" * 64])
def test_it_says_what_is_wrong_with_a_name_beside_it(browse: Browse, name: str) -> None:
    answer = browse("admin").post("/add-host/", {"name": name, "environment": "lab"})
    assert answer.status_code == 422
    assert text_of(answer, "id_name_error")
    assert 'value="lab"' in answer.content.decode()
    assert not Host.objects.exists()


def test_it_refuses_a_name_that_is_taken(browse: Browse, web: Host) -> None:
    answer = browse("admin").post("/add-host/", {"name": "web-1", "environment": ""})
    assert text_of(answer, "id_name_error") == "There is a host web-1 already."
    assert Host.objects.count() == 1


def test_it_says_that_an_offline_host_cannot_look(browse: Browse) -> None:
    world.host("web-1", online=False)
    answer = browse("carol").post("/hosts/web-1/refresh/", follow=True)
    assert "web-1 is offline." in text(answer)


def test_it_tells_the_past_of_a_host(browse: Browse, web: Host) -> None:
    world.observation(web, "docker0: 172.17.0.1/16 → 10.1.0.1/24.", ago=timedelta(hours=2))
    for path in ("/hosts/web-1/", "/hosts/web-1/history/"):
        page = text(browse("carol").get(path))
        assert "docker0: 172.17.0.1/16 → 10.1.0.1/24." in page
        assert "2 hours ago" in page


def test_it_keeps_ranges(browse: Browse) -> None:
    client = browse("admin")
    client.post("/ranges/", {"subnet": "10.8.0.0/16", "label": "VPN"})
    page = client.get("/ranges/", follow=True)
    assert "10.8.0.0/16 reserved for VPN" in text(page)
    wrong = client.post("/ranges/", {"subnet": "10.8.0.1/16", "label": "Office"})
    assert wrong.status_code == 422
    assert "the network is 10.8.0.0/16" in text_of(wrong, "id_subnet_error")
    assert 'value="Office"' in wrong.content.decode()
    bare = client.post("/ranges/", {"subnet": "10.8.0.0", "label": "Office"})
    assert "lacks its prefix length" in text_of(bare, "id_subnet_error")
    assert [row.subnet for row in ReservedRange.objects.all()] == ["10.8.0.0/16"]
    removal = next(path for path in targets(page) if path.endswith("/remove/"))
    client.post(removal)
    assert "Nothing is reserved" in text(client.get("/map/"))


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.json")), ids=lambda path: path.stem)
def test_it_shows_every_recorded_host(browse: Browse, people: dict[str, User], path: Path) -> None:
    seen = from_json(Observed, json.loads(path.read_text()))
    world.host("real-1", observed=seen)
    page = text(browse("carol").get("/hosts/real-1/"))
    for container_ in seen.containers:
        assert container_.name in page
    for address in seen.addresses:
        assert str(address.interface) in page
    for rule in (*seen.firewall.rules, *seen.config.notes):
        assert " ".join(rule.split()) in page
    assert ("systemd unit" in page) <= (seen.service.manager == "systemd")


def test_it_says_nothing_of_the_next_start_where_the_setting_cannot_be_read(
    browse: Browse, people: dict[str, User]
) -> None:
    seen = observed(kernel_address="10.1.0.1/24")
    broken = DaemonConfig(seen.config.path, "{", error="line 1 ends")
    world.host("web-1", observed=evolve(seen, config=broken))
    page = text(browse("carol").get("/hosts/web-1/"))
    assert "Configured not known daemon.json cannot be read" in page
    assert "what Docker's next start will use" not in page
    assert "What is configured counts" not in page
    assert "what Docker's next start would use is not known" in page


def test_it_tells_the_conflicts_that_the_list_counts(
    browse: Browse, people: dict[str, User]
) -> None:
    world.reserved("10.1.0.0/16", "Tokyo <b>")
    routes = (*observed().routes, Route(254, IPv4Network("172.18.4.0/24"), None, "eth0"))
    host = world.host("web-1", observed=observed(subnet="10.1.0.0/24", routes=routes))
    assert host.conflict_count == 2
    page = browse("carol").get("/hosts/web-1/")
    told = "have 10.1.0.0/24, which overlaps 10.1.0.0/16, reserved for Tokyo <b>."
    assert f"Conflict: Containers of the network bridge {told}" in text(page)
    assert "network shop have 172.18.0.0/16, which overlaps 172.18.4.0/24 eth0 of" in text(page)
    assert "/map/" in targets(page)


def test_what_disagrees_comes_first_and_nothing_else_is_called_right(
    browse: Browse, people: dict[str, User]
) -> None:
    world.host("web-1", observed=observed(kernel_address="10.1.0.1/24"))
    page = browse("carol").get("/hosts/web-1/")
    html = page.content.decode()
    assert html.index('id="layers-title"') < html.index('id="bridge-0"')
    shown = text_of(page, "nat")
    assert "cannot be judged while the layers disagree" in shown
    assert "to look at" not in shown
    assert "NAT: not known" in html
    assert "! 10.1.0.1/24" in html
    assert "(not in the subnet)" in text(page)


def test_an_open_change_stands_on_top(browse: Browse, people: dict[str, User]) -> None:
    host = world.host("web-1")
    client = browse("alice")
    assert 'id="request" class="btn btn-primary"' in client.get("/hosts/web-1/").content.decode()
    change = world.Story(host, people["alice"]).planned().change
    page = client.get("/hosts/web-1/")
    line = text_of(page, f"open-change-{change.pk}")
    assert line == f"#{change.pk} docker0 → 192.168.225.0/24 Awaiting approval"
    assert 'id="request" class="btn"' in page.content.decode()


def test_app_2_stands_before_app_10(browse: Browse, people: dict[str, User]) -> None:
    seen = picture_of(observed(containers=12), layers_of(observed(containers=12)))
    names = [f"app-{n}" for n in range(12)]
    assert [row.container.name for row in seen.containers] == names
    assert [port.container for port in seen.bridge.ports] == names


def test_it_says_whether_a_pending_host_can_still_be_enrolled(
    browse: Browse, people: dict[str, User]
) -> None:
    host, _ = host_create(user=people["admin"], name="web-9")
    client = browse("admin")
    page = client.get("/hosts/web-9/")
    assert "Its enrolment command works once; it expires in " in text(page)
    address = next(d["hx-get"] for d in tags(page, "div") if d.get("id") == "host-part")
    assert client.get(address, headers=HX).status_code == 204
    EnrolmentToken.objects.filter(host=host).update(expires_at=timezone.now())
    news = client.get(address, headers=HX)
    assert "its enrolment command has expired" in text(news)
    assert "spin" not in news.content.decode()


@pytest.mark.parametrize(
    ("url", "warned"), [("http://127.0.0.1:8000", True), ("http://192.0.2.10:8000", False)]
)
def test_it_warns_of_a_line_that_only_this_machine_can_use(
    browse: Browse, settings: Settings, url: str, warned: bool
) -> None:
    settings.DOCKERNET_PUBLIC_URL = url
    client = browse("admin")
    client.post("/add-host/", {"name": "web-9"})
    page = client.get("/hosts/web-9/")
    assert 'id="enroll-command"' in page.content.decode()
    assert ('id="loopback"' in page.content.decode()) == warned
