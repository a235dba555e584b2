"""What `./dockernet test` runs: the static checks, then pytest (with arguments: pytest alone)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

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


def pytest(*args: str) -> int:
    """Run pytest in this environment and return its exit code."""
    return subprocess.run([sys.executable, "-m", "pytest", *args], cwd=ROOT, check=False).returncode


def main() -> int:
    """Return 0 only if everything passed."""
    if sys.argv[1:]:
        os.execv(sys.executable, [sys.executable, "-m", "pytest", *sys.argv[1:]])
    good = static_checks()
    if os.geteuid() == 0:
        print("the site's tests on PostgreSQL:", flush=True)
        good = pytest("tests/site", "tests/pages", "-q", "--postgres") == 0 and good
    print("all tests, on SQLite:", flush=True)
    good = pytest("--durations=15") == 0 and good
    if not good:
        print("dockernet test: something failed; see above.", file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
