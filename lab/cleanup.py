"""Removes what runs whose owner has died left behind: `python3 -m lab.cleanup [--cache]`."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from lab.command import LabError, require_programs
from lab.remove import runs_remove_dead
from lab.state import base_folder, locked, runs_list


def cache_remove(base: Path) -> None:
    """Remove the root file systems that hosts lie over; the next host makes its own anew.

    Raises:
        LabError: a run is alive and may use it.
    """
    with locked(base):
        if runs_list(base=base):
            raise LabError("hosts are running: end them first")
        shutil.rmtree(base / "cache", ignore_errors=True)


def main() -> int:
    """Remove them and say which; 1 and one line when something resists."""
    parser = argparse.ArgumentParser(prog="python3 -m lab.cleanup", description=__doc__)
    parser.add_argument("--cache", action="store_true", help="the root file systems, too")
    args = parser.parse_args()
    try:
        require_programs()
        base = base_folder()
        removed = runs_remove_dead(base=base)
        if args.cache:
            cache_remove(base)
    except (LabError, OSError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    print(" ".join([f"removed {len(removed)} dead runs of the lab", *removed]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
