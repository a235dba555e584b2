"""What `./dockernet test` runs: the static checks, then pytest (with arguments: pytest alone)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
STATIC = (
    ("ruff check", [str(BIN / "ruff"), "check", "."]),
    ("ruff format", [str(BIN / "ruff"), "format", "--check", "."]),
    ("mypy", [str(BIN / "mypy")]),
    ("imports", [str(BIN / "lint-imports")]),
    ("migrations", [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"]),
)


def static_checks() -> bool:
    """Run each check, print how long it took and, if it fails, what it said."""
    good = True
    for name, argv in STATIC:
        start = time.monotonic()
        result = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
        verdict = "ok" if result.returncode == 0 else "FAILED"
        print(f"{name}: {verdict} ({time.monotonic() - start:.1f} s)", flush=True)
        if result.returncode != 0:
            print(result.stdout + result.stderr, flush=True)
            good = False
    return good


# Most of what boots real hosts is waiting, so five rows of tests run beside each other, each about
# as long as the others. In a row one part follows the next.
HOST_FOLDERS = ("tests/faults/hosts", "tests/kernel", "tests/path", "tests/root")
# The pages whose queries search, sort and count; what they look like is the same on any database.
PAGES = [
    str(path.relative_to(ROOT))
    for word in ("queries", "fleet", "history", "map", "work", "audit", "host_origins")
    for path in sorted((ROOT / "tests/pages").glob(f"test_{word}*.py"))
]
# Programs of their own, on a database of their own: the same in either row.
OWN = [f"--ignore=tests/site/test_{name}.py" for name in ("settings", "up", "user_command")]
ROLLBACK = "tests/root/test_subnet_rollback.py"
# The tests of NAT and of published ports on real hosts: as long together as all others there.
PORTS = [
    str(path.relative_to(ROOT))
    for word in ("nat", "published")
    for path in sorted((ROOT / "tests/root").glob(f"test_{word}*.py"))
]
REAL = ["tests/root", "tests/kernel", *(f"--ignore={name}" for name in (ROLLBACK, *PORTS))]
BESIDE = ["tests/browser", "tests/agent", "tests/faults"]
ROWS = (
    (("the agent and the engine on real hosts", REAL),),
    (("NAT and published ports on real hosts", PORTS),),
    (
        ("the whole path, and faults on real hosts", ["tests/path", "tests/faults/hosts"]),
        ("what the database decides, on PostgreSQL", ["tests/site", *PAGES, *OWN, "--postgres"]),
    ),
    (("Chromium, and the agent without hosts", [*BESIDE, "--ignore=tests/faults/hosts"]),),
    (
        ("the rest, on SQLite", [f"--ignore={name}" for name in (*HOST_FOLDERS, *BESIDE)]),
        ("going back, on real hosts", [ROLLBACK]),
    ),
)


def pytest(*args: str, output: IO[str] | None = None) -> bool:
    """Run pytest in this environment; return whether all passed. What boots hosts, whose daemons
    have limits of time, goes before the rest."""
    argv = [sys.executable, "-m", "pytest", "--durations=10", *args]
    if not any(name.startswith(HOST_FOLDERS) for name in args):
        argv = ["nice", "-n", "10", *argv]
    done = subprocess.run(argv, cwd=ROOT, stdout=output, stderr=output, check=False)
    return done.returncode == 0


def row(parts: Sequence[tuple[str, list[str]]], output: IO[str] | None = None) -> bool:
    """Run the parts of a row, one after the other, into a file; return whether all passed."""
    good = True
    for name, args in parts:
        if "--postgres" in args and os.geteuid() != 0:
            continue  # Its server is installed, and started, by root alone.
        print(f"\n{name}:", file=output, flush=True)
        good = pytest(*args, output=output) and good
    return good


def main() -> int:
    """Return 0 only if everything passed."""
    if sys.argv[1:]:
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *sys.argv[1:]])
    good = static_checks()
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(len(ROWS)))
        outputs = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in ROWS[1:]]
        beside = [pool.submit(row, *told) for told in zip(ROWS[1:], outputs, strict=True)]
        good = row(ROWS[0]) and good
        print("\nwaiting for the tests that run beside these ...", flush=True)
        for done, output in zip(beside, outputs, strict=True):
            good = done.result() and good
            output.seek(0)
            print(output.read(), flush=True)
    if not good:
        print("dockernet test: something failed; see above.", file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
