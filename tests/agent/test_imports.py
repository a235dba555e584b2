"""What the host's side loads: no Django, and nothing heavy while it idles."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_CODE = """
import sys
sys.path.insert(0, {root!r})
sys.modules["django"] = None
import {modules}
print(*sorted(m for m in sys.modules if m.split(".")[0] in {watched!r}))
"""
EVERYTHING = (
    "netops.agent.main, netops.agent.worker, netops.agent.work, netops.agent.cli, "
    "netops.agent.journal_text, netops.agent.uninstall, netops.agent.install_script"
)


def loaded(modules: str, watched: tuple[str, ...]) -> str:
    """Import in a fresh interpreter where Django cannot be; return what of `watched` came."""
    code = _CODE.format(root=str(ROOT), modules=modules, watched=watched)
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_whole_agent_imports_without_django() -> None:
    assert loaded(EVERYTHING, ("hosts", "people", "dockernet_site", "lab")) == ""


def test_the_idle_agent_loads_neither_docker_nor_netlink() -> None:
    idle = "netops.agent.main, netops.agent.worker"
    assert loaded(idle, ("docker", "requests", "pyroute2", "iptc")) == ""


def test_the_install_script_needs_python_alone() -> None:
    script = ROOT / "netops/agent/install_script.py"
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "dockernet: usage: install.py SITE TOKEN\n"
