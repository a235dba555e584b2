"""Whatever comes by wire is refused clearly, by a process that lives on and has kept nothing."""

from __future__ import annotations

import base64
import hmac
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hosts.models import Host, Observation
from hosts.services import broker_access
from netops.agent.config import AgentConfig, Place
from netops.agent.runner import Runner
from netops.ingest.batch import Batch
from netops.models import Event
from netops.wire import (
    BODIES,
    TO_HOST,
    TO_SITE,
    JobRefused,
    ObserveRequest,
    _key,
    queue_name,
    seal,
)
from tests.faults.conftest import RealAgent
from tests.site.fake_host import wait_until
from tests.site.rows import host_row

HOST, SECRET = "0123456789ab", b"\xab" * 32
BOUNDED = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**63, max_value=2**90)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\x00", "\ud800", "../../etc", "9" * 400, "1e999", "2030-01-01T00:00:00"])
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
FIELDS = sorted({name for kind in BODIES.values() for name in kind.__annotations__})
SHAPED = st.dictionaries(st.sampled_from(FIELDS), TREES, max_size=8)


def signed(direction: str, kind: str, body: object, **envelope: Any) -> str:
    """A message whose seal is right, whatever is in it."""
    from datetime import UTC, datetime

    whole = {
        **{"v": 1, "type": kind, "host": HOST, "id": "1" * 32},
        **{"at": datetime.now(UTC).isoformat(), "body": body, **envelope},
    }
    payload = json.dumps(whole).encode("utf-8", "surrogatepass")
    mac = hmac.digest(_key(SECRET, direction), payload, "sha256")
    return ".".join(base64.urlsafe_b64encode(part).decode() for part in (payload, mac))


class Idle:
    """Notes what the runner would have done; a fuzzed message must not get that far."""

    job = ""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.said: list[object] = []

    def observe(self, request_id: str) -> None:
        self.done.append(("observe", request_id))

    def plan(self, request: object) -> None:
        self.done.append(("plan", request))

    def carry_out(self, job: object) -> None:
        self.done.append(("job", job))

    def send(self, body: object) -> None:
        self.said.append(body)

    def prove(self, nonce: str) -> None:
        self.done.append(("prove", nonce))

    def resend(self, job: object, after: int) -> None:
        self.done.append(("resend", job))


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[tuple[Runner, Idle, Path]]:
    config = AgentConfig(HOST, "h", "http://127.0.0.1:1", "redis://h:p@127.0.0.1:1/0", SECRET.hex())
    place = Place(tmp_path / "agent.json", tmp_path / "state")
    idle = Idle()
    anew = threading.Event()
    yield Runner(config, place, idle, idle, anew.set), idle, tmp_path  # type: ignore[arg-type]
    assert not anew.is_set()


@BOUNDED
@given(text=st.text(max_size=200) | st.binary(max_size=200) | TREES)
def test_the_agent_refuses_any_text(runner: tuple[Runner, Idle, Path], text: Any) -> None:
    one, idle, folder = runner
    before = len(idle.said)
    one.receive(text)
    assert idle.done == []
    assert len(idle.said) == before + 1
    assert isinstance(idle.said[-1], JobRefused)
    assert not list(folder.rglob("jobs/*"))


@BOUNDED
@given(kind=st.sampled_from([*BODIES, "Nothing", ""]), body=SHAPED | TREES)
def test_the_agent_lives_through_any_body_that_is_signed(
    runner: tuple[Runner, Idle, Path], kind: str, body: Any
) -> None:
    one, idle, folder = runner
    one._seen.clear()
    one.receive(signed(TO_HOST, kind, body))
    assert all(done[0] in ("observe", "plan", "prove") for done in idle.done)  # type: ignore[index]
    assert not list(folder.rglob("jobs/*"))


ODD_ENVELOPES: list[dict[str, Any]] = [
    {"v": 2}, {"v": "1"}, {"v": True}, {"type": None}, {"type": ["x"]}, {"type": "__class__"},
    {"host": "ba9876543210"}, {"host": 7}, {"id": None}, {"at": "soon"}, {"at": 5}, {"more": 1},
    {"at": "0001-01-01T00:00:00+14:00"}, {"at": "9999-12-31T23:59:59-14:00"},
    {"at": "2026-01-01T00:00:00"}, {"body": None}, {"body": []},
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD_ENVELOPES, ids=str)
def test_the_agent_refuses_any_odd_envelope(
    runner: tuple[Runner, Idle, Path], odd: dict[str, Any]
) -> None:
    one, idle, _ = runner
    one.receive(signed(TO_HOST, "ObserveRequest", **{"body": {"request_id": "r"}, **odd}))
    assert idle.done == []
    assert len(idle.said) == 1


def deep(levels: int) -> str:
    """JSON of that many lists in each other, signed."""
    body = '{"request_id":' + "[" * levels + "]" * levels + "}"
    text = signed(TO_HOST, "ObserveRequest", "BODY")
    payload = base64.urlsafe_b64decode(text.partition(".")[0]).replace(b'"BODY"', body.encode())
    mac = hmac.digest(_key(SECRET, TO_HOST), payload, "sha256")
    return ".".join(base64.urlsafe_b64encode(part).decode() for part in (payload, mac))


@pytest.mark.parametrize("levels", [30, 500, 900, 100_000])
def test_the_agent_refuses_what_is_nested_deep(
    runner: tuple[Runner, Idle, Path], levels: int
) -> None:
    one, idle, _ = runner
    one.receive(deep(levels))
    assert isinstance(idle.said[0], JobRefused)
    assert idle.said[0].code == "malformed"


@pytest.mark.django_db
@BOUNDED
@given(
    kind=st.sampled_from([*BODIES, "Nothing"]),
    body=SHAPED | TREES,
    raw=st.binary(max_size=100),
)
def test_the_ingest_lives_through_anything(kind: str, body: Any, raw: bytes) -> None:
    host = Host.objects.first() or host_row("web-1", id=HOST, secret=SECRET.hex())
    texts = [signed(TO_SITE, kind, body), raw.decode("utf-8", "replace"), "." * len(raw)]
    batch = Batch()
    batch.add(host, [(f"{number}-0", text) for number, text in enumerate(texts, 1)])
    batch.store()
    assert batch.set_aside == []
    assert Event.objects.count() == 0
    assert Observation.objects.filter(cause="start").count() == 0


END = {"job_id": "x", "change_id": 1, "seq": 1, "at": "", "type": "end"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        {**END, "change_id": 2**70},
        {
            "job_id": "x",
            "change_id": 1,
            "seq": 1,
            "at": "",
            "type": "end",
            "data": {"a": float("nan")},
        },
        {"job_id": "x", "change_id": 1, "seq": -(2**62), "at": "x", "type": "\x00"},
        {**END, "job_id": "x" * 100_000},
    ],
    ids=["huge number", "not a number", "negative", "long"],
)
def test_the_ingest_drops_an_event_that_no_database_takes(body: dict[str, Any]) -> None:
    host, batch = host_row("web-1", id=HOST, secret=SECRET.hex()), Batch()
    batch.add(host, [("1-0", signed(TO_SITE, "JobEvent", body))])
    batch.store()
    assert batch.set_aside == []
    assert Event.objects.count() == 0


ODD_TASKS: list[dict[str, Any]] = [
    {"body": "x"}, {"body": base64.b64encode(b"[[], {}").decode()},
    {"content-type": "application/x-python-serialize"},
    {"content-type": "text/plain"}, {"content-encoding": "utf-99"}, {"headers": {}},
    {"headers": {"task": "os.system", "id": "x"}}, {"headers": {"task": None}},
    {"headers": []}, {"properties": {}}, {"properties": None},
    {"body": base64.b64encode(b"[[" + b"[" * 5000 + b"]" * 5000 + b"], {}, {}]").decode()},
    {"body": base64.b64encode(json.dumps([["x" * 3_000_000], {}, {}]).encode()).decode()},
    {"body": base64.b64encode(b'[[], {"text": 1, "more": [1]}, {"chord": 1}]').decode()},
]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_the_agents_worker_outlives_any_task(agent: RealAgent) -> None:
    assert agent.process is not None
    host, site = Host.objects.get(), broker_access.client()
    queue, first = queue_name(host.pk), agent.process.pid
    model = _task(host, site)
    for odd in ODD_TASKS:
        site.lpush(queue, json.dumps({**model, **odd}))
    for raw in ("", "{", "[]", "null", "7", '"text"', "{}", "\x00" * 100, "[" * 5000):
        site.lpush(queue, raw)
    text = seal(bytes.fromhex(host.secret), TO_HOST, host.pk, ObserveRequest("after"))
    site.lpush(queue, json.dumps({**model, "body": _body(text)}))
    wait_until(lambda: site.llen(queue) == 0, 20)
    seen = Host.objects.get().observed_at
    wait_until(lambda: Host.objects.get().observed_at != seen, 20)
    assert agent.process.poll() is None
    assert agent.process.pid == first


def _body(text: object) -> str:
    return base64.b64encode(json.dumps([[text], {}, {}]).encode()).decode()


def _task(host: Host, site: Any) -> dict[str, Any]:
    """A task as Celery writes it, taken back before the agent can see it."""
    from tests.faults.test_captured import put

    put("f" * 12, "x")
    entry = json.loads(site.rpop(queue_name("f" * 12)))
    entry["properties"]["delivery_info"]["routing_key"] = queue_name(host.pk)
    return dict(entry)
