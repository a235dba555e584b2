"""`dockernet-agent`, run as a file: `python3 -I .../netops/agent/__main__.py COMMAND`.

With -I nothing of the caller's environment or folder decides what is imported, so the program
says itself where its packages are.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from netops.agent.cli import main

    sys.exit(main())
