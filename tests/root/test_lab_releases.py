"""Hosts of each Debian release and init boot, run containers and answer from outside."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import Lab, LabError, rootfs
from lab.host import LabHost
from tests.engines import RELEASES, each_engine
from tests.root.in_host import serves, serves_soon

# The Docker that each release has at least; forky's still moves.
DOCKER = {"bookworm": (20, 10), "trixie": (26, 1), "forky": (28, 5)}


def docker_version(host: LabHost) -> tuple[int, ...]:
    text = host.run(["docker", "version", "-f", "{{.Server.Version}}"]).stdout
    return tuple(int(word) for word in re.findall(r"\d+", text)[:2])


@each_engine
def test_it_serves_from_a_container_of_its_release_also_after_a_power_loss(
    new_host: Callable[..., LabHost], release: str, init: str
) -> None:
    host = new_host(init, release=release)
    host.start_container("web", restart="always", publish=["8080:80"])
    assert f"VERSION_CODENAME={release}\n" in host.read("/etc/os-release")
    assert docker_version(host) >= DOCKER[release]
    assert serves_soon(host, 8080) == "web"
    host.run(["docker", "exec", "web", "ping", "-c1", "-W2", str(host.segment.router_address)])
    host.run("sync")
    host.power_off()
    assert serves(host, 8080) == ""
    host.boot()
    host.wait_docker()
    assert serves_soon(host, 8080) == "web"
    assert host.read("/proc/1/comm").strip() == {"sysv": "docker-init", "systemd": "systemd"}[init]


@each_engine
def test_it_stops_and_starts_docker_by_its_own_init(
    new_host: Callable[..., LabHost], release: str, init: str
) -> None:
    host = new_host(init, release=release)
    host.run("service docker stop" if init == "sysv" else "systemctl stop docker.socket docker")
    assert host.run("pidof dockerd", check=False).returncode == 1
    host.run("service docker start" if init == "sysv" else "systemctl start docker")
    host.wait_docker()
    host.reboot()
    host.wait_docker()
    host.run("service docker status" if init == "sysv" else "systemctl is-active docker")


def test_it_says_which_release_the_mirror_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"apt does not serve no-such-release"):
        rootfs.rootfs_ready(cache=tmp_path, release="no-such-release")
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_it_makes_a_tree_of_each_release_and_finds_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def make(part: Path, release: str) -> None:
        made.append(release)
        (part / "etc").mkdir()
        (part / "etc/os-release").write_text(release)

    monkeypatch.setattr(rootfs, "_debootstrap", make)
    trees = [rootfs.rootfs_ready(cache=tmp_path, release=name) for name in RELEASES * 2]
    assert made == list(RELEASES)
    assert [(tree / "etc/os-release").read_text() for tree in trees] == list(RELEASES * 2)


def test_it_says_how_to_mount_the_cgroups_that_a_new_systemd_needs(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "usr/lib/x/systemd/libsystemd-shared-258.1-1.so"
    library.parent.mkdir(parents=True)
    library.touch()
    monkeypatch.setattr("lab.cgroups._ROOT", tmp_path)
    host = lab.systemd("new-systemd", lower=tmp_path)
    with pytest.raises(LabError, match="mount -t cgroup2"):
        host.boot()
    assert not host.powered
    assert not any(Path("/run/netns").glob(f"*{host.name}"))
    lab.remove(host)
