"""The translations: kept as text in locale/, compiled where the site keeps its state.

Compiled catalogues are not in the repository, and the folder of the program may be read-only, so
they go below DOCKERNET_HOME, anew whenever the text is another.
"""

from __future__ import annotations

import os
import tempfile
from hashlib import sha256
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

SOURCE = Path(__file__).resolve().parent.parent / "locale"
DOMAIN = "django"
# Context of the sentences that hosts make (language/said.py).
SAID = "said"


def text_file(language: str) -> Path:
    """Return the file that translators edit."""
    return SOURCE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def compiled(home: Path) -> Path:
    """Compile what is new and return the folder for Django's LOCALE_PATHS."""
    target = home / "locale"
    for source in SOURCE.glob(f"*/LC_MESSAGES/{DOMAIN}.po"):
        binary = target / source.relative_to(SOURCE).with_suffix(".mo")
        # By what it says, not by its time: a program that is unpacked keeps the times of its maker.
        mark, digest = binary.with_suffix(".of"), sha256(source.read_bytes()).hexdigest()
        if not binary.exists() or not mark.exists() or mark.read_text() != digest:
            _compile(source, binary)
            mark.write_text(digest)
    return target


def _compile(source: Path, binary: Path) -> None:
    binary.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as text:
        catalogue = read_po(text)
    # Several processes may start at once: each puts a whole file in place.
    handle, name = tempfile.mkstemp(dir=binary.parent, prefix=".new-")
    with os.fdopen(handle, "wb") as new:
        write_mo(new, catalogue)
    Path(name).replace(binary)
