"""What a plan says about the way Docker is started, and about the units that stop with it."""

from __future__ import annotations

import pytest
from attrs import evolve

from netops.engine.adapters.dockerd_flags import Word, read_flags
from netops.engine.adapters.running_flags import RunningFlags
from netops.engine.basis import differences
from netops.engine.desired_subnet import parse
from netops.engine.observed import ConfigValue, DaemonConfig, Observed, ServiceState
from netops.engine.pending import PendingFlag
from netops.engine.plan import Plan
from netops.engine.planner import make_plan
from netops.engine.serial import Json
from tests.engine.made_hosts import PATH, config, host

OPTS, WRAPPER = "/etc/default/docker", "/usr/local/bin/start-docker"
DROP_IN = "/etc/systemd/system/docker.service.d/net.conf"
NETWORK = ("bip", "default-address-pools", "mtu", "icc")
UNITS = ("app.service", "od\\x2dd.service")


def plan(observed: Observed) -> Plan:
    return make_plan(observed, parse({"network": "bridge", "subnet": "192.168.225.0/24"}))


def blockers(observed: Observed) -> dict[str, str]:
    """{subject: message} of the blockers, which are all of one code."""
    made = plan(observed)
    found = [f for f in made.findings if f.severity == "blocker"]
    assert {f.code for f in found} <= {"config-not-in-force"}
    assert bool(found) == (not made.steps)
    return {f.subject: f.message for f in found}


def with_flag(*flags: PendingFlag, manager: str = "systemd", wrapper: str = "") -> Observed:
    return host(
        config=evolve(config(), pending=flags, wrapper=wrapper),
        service=ServiceState(manager, True),
    )


def systemd_host(*dependents: str) -> Observed:
    return host(service=ServiceState("systemd", True, True, dependents))


def test_it_warns_of_the_units_that_stop_with_docker() -> None:
    [finding] = [f for f in plan(systemd_host(*UNITS)).findings if f.code == "stops-units"]
    assert finding.severity == "warning"
    assert "app.service and od\\x2dd.service" in finding.message
    assert "stops-units" not in {f.code for f in plan(systemd_host()).findings}


def test_a_person_would_start_the_units_after_docker() -> None:
    def start(observed: Observed) -> str:
        return next(s.command for s in plan(observed).steps if s.kind == "docker_start")

    docker = "systemctl start docker.socket docker.service"
    assert start(systemd_host(*UNITS)) == (
        f"{docker} && systemctl start app.service 'od\\x2dd.service'"
    )
    assert start(systemd_host()) == docker


def test_a_plan_is_of_the_units_that_ran_when_it_was_made() -> None:
    one, two = plan(systemd_host("app.service")), plan(systemd_host(*UNITS))
    assert one.digest != two.digest
    assert differences(one.basis, two.basis) == ["Dependent unit od\\x2dd.service is new."]
    assert differences(two.basis, one.basis) == ["Dependent unit od\\x2dd.service is gone."]


def test_a_plan_of_a_version_without_units_says_what_is_new() -> None:
    new = plan(systemd_host("app.service"))
    old = {name: section for name, section in new.basis.items() if name != "units"}
    assert differences(old, new.basis) == ["Dependent unit app.service is new."]


FLAGS = [
    # running, next, the file of the next, wrapper; what the message names
    ("10.9.0.1/24", None, "", "", ["--bip=10.9.0.1/24", "no file"]),
    ("10.9.0.1/24", None, "", WRAPPER, ["--bip=10.9.0.1/24", "no file", WRAPPER, PATH]),
    (None, "10.8.0.1/24", DROP_IN, "", ["--bip=10.8.0.1/24", DROP_IN, "without that flag"]),
    ("10.9.0.1/24", "10.8.0.1/24", DROP_IN, "",
     ["--bip=10.9.0.1/24", "--bip=10.8.0.1/24", DROP_IN]),
    ("10.9.0.1/24", "10.8.0.1/24", DROP_IN, WRAPPER,
     ["--bip=10.9.0.1/24", "--bip=10.8.0.1/24", DROP_IN, WRAPPER]),
]  # fmt: skip


@pytest.mark.parametrize(("running", "later", "path", "wrapper", "named"), FLAGS)
def test_a_flag_that_is_not_in_force_blocks(
    running: Json, later: Json, path: str, wrapper: str, named: list[str]
) -> None:
    flag = PendingFlag("bip", running, later, path)
    said = blockers(with_flag(flag, wrapper=wrapper))
    assert set(said) == {"--bip"}
    for text in (*named, "systemctl daemon-reload && systemctl restart docker"):
        assert text in said["--bip"]
    assert "service docker restart" in blockers(with_flag(flag, manager="sysv"))["--bip"]


def test_each_flag_is_a_finding_of_its_own_and_the_note_about_them_none() -> None:
    flags = (PendingFlag("bip", None, "10.8.0.1/24", OPTS), PendingFlag("icc", False, None))
    seen = with_flag(*flags)
    note = "dockerd runs with another --bip, --icc than its next start will have."
    seen = evolve(seen, config=evolve(seen.config, notes=(note,)), problems=(note,))
    assert set(blockers(seen)) == {"--bip", "--icc"}
    assert "host-problem" not in {f.code for f in plan(seen).findings}


def test_a_unit_that_systemd_has_not_read_again_blocks() -> None:
    seen = host(config=evolve(config(), reload_needed=True))
    assert set(blockers(seen)) == {"docker.service"}
    assert blockers(host()) == {}


def test_the_address_that_a_rollback_gave_as_a_flag_blocks_nothing() -> None:
    """It stands in DOCKER_OPTS for one start; afterwards the file is as it was."""
    left = PendingFlag("bip", "172.17.0.1/16", None)
    pools = ConfigValue("default-address-pools", [{"base": "10.0.0.0/8"}], "DOCKER_OPTS", OPTS)
    opts = DaemonConfig(PATH, None, (pools,), flags_path=OPTS, pending=(left,))
    assert blockers(host(config=opts)) == {}
    other = evolve(left, running="172.18.0.1/16")
    assert blockers(host(config=evolve(opts, pending=(other,))))
    assert blockers(host(config=evolve(opts, wrapper=WRAPPER)))
    assert blockers(host(config=evolve(config(), pending=(left,))))


def pending(running: str, later: str, *in_file: str, wrapper: str = "") -> list[str]:
    """The keys that differ between two command lines of dockerd."""
    now = {s.key: s.value for s in read_flags([Word(w, "", "") for w in running.split()])}
    then = read_flags([Word(w, "unit", "/u") for w in later.split()])
    found = RunningFlags(now, wrapper).pending(then, in_file, NETWORK)
    return [flag.key for flag in found]


@pytest.mark.parametrize(
    ("running", "later"),
    [
        ("--bip=172.17.0.1/16", "--bip 172.17.0.1/16"),
        ("--icc=false", "--icc=0"),
        ("--icc", ""),
        ("", "--icc=true --config-file=/etc/docker/daemon.json"),
        ("--bip=", ""),
        ("--mtu 1400", "--mtu=1400"),
        ("--log-level=warn", "--log-level=debug"),
        ("-H fd:// --bip=10.0.0.1/8 --bip=10.9.0.1/24", "--bip=10.9.0.1/24"),
        ("--default-address-pool base=10.0.0.0/8,size=24",
         "--default-address-pool=size=24,base=10.0.0.0/8"),
    ],
)  # fmt: skip
def test_the_same_flags_written_otherwise_are_in_force(running: str, later: str) -> None:
    assert pending(running, later) == []
    assert pending(later, running) == []


def test_a_flag_of_either_side_alone_is_pending() -> None:
    assert pending("--bip=10.0.0.1/24 --icc=false", "--mtu=1400") == ["bip", "mtu", "icc"]
    assert pending("--config-file=/etc/other.json", "") == ["config-file"]


def test_a_wrapper_hides_flags_that_stand_in_daemon_json_too() -> None:
    running, keys = "--log-level=warn --icc", ("log-level", "icc", "debug")
    assert pending(running, "", *keys, wrapper=WRAPPER) == ["icc", "log-level"]
    assert pending(running, running, *keys, wrapper=WRAPPER) == []
    assert pending(running, "", *keys) == []


def test_a_dockerd_that_cannot_be_read_has_no_pending_flag() -> None:
    then = read_flags([Word("--bip=10.0.0.1/24", "unit", "/u")])
    assert RunningFlags().pending(then, (), NETWORK) == ()
