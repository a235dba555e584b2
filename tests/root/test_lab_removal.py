"""A lab leaves nothing behind, however it ends, and never touches another one that runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from lab import Lab, LabError, rootfs
from lab.cleanup import cache_remove
from lab.host import LabHost
from lab.process import ProcessId, processes_naming
from lab.remove import run_remove, runs_remove_dead
from lab.state import PREFIX, run_claim, runs_list

ROOT = Path(__file__).parents[2]

CAP_SYS_MODULE = 1 << 16  # linux/capability.h
CAP_SYS_TIME = 1 << 25

OWNER = """
import subprocess, sys, time
from lab import Lab
with Lab() as lab:
    host = lab.sysv("h1")
    lab.boot()
    host.load_image()
    host.start_container("c1", restart="always")
    host.start_container("c2")
    host.run("docker pause c2")
    lab.segment.popen_outside(["sleep", "1000"])
    subprocess.Popen(["sleep", "1000"], env={"HOME_OF": str(lab.segment.run.folder / "site")})
    print(lab.segment.run.run_id, flush=True)
    time.sleep(1000)
"""


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    """A folder for runs of this test; whatever happens, nothing of them outlives it."""
    yield tmp_path
    for process in processes_naming(tmp_path):
        process.kill()
    runs_remove_dead(base=tmp_path)


@pytest.fixture
def owner(base: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that has booted a host of its own, and the id of its run."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        cwd=ROOT,
        env={**os.environ, "DOCKERNET_LAB_HOME": str(base)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    run_id = process.stdout.readline().strip()
    assert run_id, "the owner has not started"
    yield process, run_id
    process.kill()
    process.wait()
    process.stdout.close()


def traces(run_id: str, base: Path) -> list[str]:
    """All that there is of a run: namespaces, links, cgroups, mounts, processes, its folder."""
    prefix = f"{PREFIX}{run_id}"
    found = [f"netns {path.name}" for path in Path("/run/netns").glob(f"{prefix}*")]
    links = json.loads(subprocess.check_output(["ip", "-j", "link"]))
    found += [f"link {one['ifname']}" for one in links if one["ifname"].startswith(prefix)]
    for folder, below, _ in os.walk("/sys/fs/cgroup"):
        found += [f"cgroup {folder}/{name}" for name in below if name.startswith(prefix)]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    found += [f"mount {line}" for line in mounts if str(base) in line or prefix in line]
    found += [f"process {one.pid}" for one in processes_naming(base / "runs" / run_id)]
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            here = prefix in (entry / "cgroup").read_text()
            if here and ProcessId.of(int(entry.name)):  # Not for a zombie.
                found.append(f"process {entry.name} in its cgroup")
        except OSError:
            continue
    return found + [f"folder {path}" for path in (base / "runs").glob(run_id)]


def test_it_leaves_nothing_of_a_host_that_is_destroyed(
    lab: Lab, new_host: Callable[..., LabHost]
) -> None:
    host = new_host("sysv")
    host.start_container("c1")
    mark = f"{lab.segment.run.run_id}-{host.name}"
    assert [one for one in traces(mark, lab.base) if "cgroup" in one and "process" in one]
    lab.remove(host)
    assert traces(mark, lab.base) == []
    assert not host.folder.exists()
    with pytest.raises(LabError, match="powered off"):
        host.run("true")


def test_it_loses_its_power_with_a_paused_container(lab_host: LabHost) -> None:
    lab_host.start_container("c1", restart="always")
    lab_host.run("docker pause c1")
    began = time.monotonic()
    lab_host.power_off()
    assert time.monotonic() - began < 5
    lab_host.boot()


def test_it_leaves_nothing_when_the_block_ends_with_an_error(base: Path) -> None:
    ids: list[str] = []

    def fail_within() -> None:
        with Lab(base=base) as lab:
            ids.append(lab.segment.run.run_id)
            lab.sysv("h1").boot()
            assert traces(ids[0], base)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_within()
    assert traces(ids[0], base) == []


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_it_leaves_nothing_when_its_owner_is_asked_to_end(
    base: Path, owner: tuple[subprocess.Popen[str], str], sig: int
) -> None:
    process, run_id = owner
    process.send_signal(sig)
    assert process.wait(20) != 0
    left = [one for one in traces(run_id, base) if not one.startswith("process")]
    assert left == []


def test_it_hears_ctrl_c_also_where_a_script_started_it_in_the_background() -> None:
    code = (
        "import time\nfrom lab.signals import sigterm_raises\n"
        "with sigterm_raises():\n    print('ready', flush=True)\n    time.sleep(20)\n"
    )
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(10) != 0
    process.stdout.close()


def test_it_is_removed_by_the_next_one_when_its_owner_was_killed(
    base: Path, owner: tuple[subprocess.Popen[str], str]
) -> None:
    process, run_id = owner
    process.kill()
    process.wait()
    kinds = {one.split()[0] for one in traces(run_id, base)}
    assert kinds == {"netns", "mount", "link", "cgroup", "process", "folder"}
    done = subprocess.run(
        [sys.executable, "-m", "lab.cleanup"],
        cwd=ROOT,
        env={**os.environ, "DOCKERNET_LAB_HOME": str(base)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (f"removed 1 dead runs of the lab {run_id}\n", "")
    assert traces(run_id, base) == []


def test_it_leaves_alone_a_run_whose_owner_lives(
    lab: Lab, lab_host: LabHost, base: Path, owner: tuple[subprocess.Popen[str], str]
) -> None:
    _, run_id = owner
    before = sorted(traces(run_id, base))
    assert runs_remove_dead(base=base) == []
    assert sorted(traces(run_id, base)) == before
    other = next(one for one in runs_list(base=base) if one.run_id == run_id)
    assert not other.network.overlaps(lab.segment.network)
    assert lab_host.run("ip -4 route get " + str(lab.segment.router_address)).returncode == 0


def test_it_removes_a_run_that_crashed_before_its_first_record(base: Path) -> None:
    (base / "runs" / "beef").mkdir(parents=True)
    assert runs_remove_dead(base=base) == ["beef"]
    assert runs_list(base=base) == []


def test_it_keeps_the_record_of_what_it_cannot_remove(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(timeout: float = 0) -> None:
        raise LabError("it does not die")

    lab = Lab(base=base).__enter__()
    host = lab.sysv("h1")
    host.boot()
    with monkeypatch.context() as patched:
        patched.setattr(host, "power_off", fail)
        with pytest.raises(LabError, match="it does not die"):
            lab.close()
    left = runs_list(base=base)[0]
    assert left.folder.joinpath("hosts/h1/host.json").exists()
    run_remove(left)
    assert traces(left.run_id, base) == []


def test_it_takes_another_network_for_each_run_and_says_when_none_is_left(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "lab.state._SLICES", [IPv4Network("198.19.254.0/24"), IPv4Network("198.19.255.0/24")]
    )
    one, two = run_claim(base=base), run_claim(base=base)
    assert one.network != two.network
    with pytest.raises(LabError, match="in use"):
        run_claim(base=base)
    one.forget()
    three = run_claim(base=base)
    assert three.network == one.network
    two.forget()
    three.forget()


def test_it_does_not_take_a_pid_that_is_used_again_for_the_old_process() -> None:
    mine = ProcessId.of(os.getpid())
    assert mine is not None
    assert mine.alive()
    assert not ProcessId(mine.pid, mine.started - 1).alive()


def test_it_throws_a_half_made_root_file_system_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(part: Path, release: str) -> None:
        (part / "usr").mkdir()
        raise LabError("the mirror is gone")

    monkeypatch.setattr(rootfs, "_debootstrap", fail)
    with pytest.raises(LabError, match="mirror is gone"):
        rootfs.rootfs_ready(cache=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_it_writes_nothing_of_a_host_on_the_machines_own_disk(lab_host: LabHost) -> None:
    path = f"/etc/dockernet-lab-test-{os.getpid()}"
    lab_host.write(path, "host's own")
    lab_host.run("echo changed >> /etc/default/docker; echo more >> /etc/services")
    assert not Path(path).exists()
    assert "changed" not in Path("/etc/default/docker").read_text()
    assert not Path("/etc/services").read_text().endswith("more\n")
    lab_host.run(["sed", "-i", "$d", "/etc/default/docker"])
    lab_host.run(["rm", path])


def test_it_leaves_the_machines_settings_alone(lab_host: LabHost) -> None:
    for setting in ("kernel/pid_max", "vm/swappiness", "fs/file-max"):
        before = Path(f"/proc/sys/{setting}").read_text()
        assert lab_host.run(f"echo 1 > /proc/sys/{setting}", check=False).returncode != 0
        assert Path(f"/proc/sys/{setting}").read_text() == before
    # The clock is not tried out: a failure would set that of the whole machine.
    for path in ("/proc/self/status", "/proc/1/status"):
        line = next(one for one in lab_host.read(path).splitlines() if one.startswith("CapEff"))
        assert int(line.split()[1], 16) & (CAP_SYS_TIME | CAP_SYS_MODULE) == 0


def test_it_shows_a_host_nothing_of_the_machine_beside_its_programs(lab_host: LabHost) -> None:
    assert lab_host.run(["pwd", "-P"]).stdout == "/\n"
    for path in (ROOT, Path(__file__), lab_host.folder):
        assert path.exists()
        assert lab_host.run(["test", "-e", str(path)], check=False).returncode == 1


def test_it_removes_the_cache_only_when_no_host_may_use_it(
    base: Path, owner: tuple[subprocess.Popen[str], str]
) -> None:
    (base / "cache").mkdir()
    with pytest.raises(LabError, match="end them first"):
        cache_remove(base)
    assert (base / "cache").exists()
    owner[0].terminate()
    owner[0].wait(20)
    cache_remove(base)
    assert not (base / "cache").exists()
