"""Compiled catalogues are those of the text that is there now."""

from __future__ import annotations

import gettext
import os
from pathlib import Path

import pytest

from language import catalogue

TEXT = """msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\n"

msgid "Hosts"
msgstr "{korean}"
"""


def compiled_word(home: Path) -> str:
    """Compile, and return the Korean of Hosts."""
    folder = catalogue.compiled(home)
    return gettext.translation("django", str(folder), languages=["ko"]).gettext("Hosts")


def test_it_compiles_anew_what_is_another_text_even_an_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "locale"
    monkeypatch.setattr(catalogue, "SOURCE", source)
    text = source / "ko" / "LC_MESSAGES" / "django.po"
    text.parent.mkdir(parents=True)
    text.write_text(TEXT.format(korean="호스트"))
    assert compiled_word(tmp_path / "home") == "호스트"
    binary = tmp_path / "home/locale/ko/LC_MESSAGES/django.mo"
    before = binary.stat().st_mtime_ns
    assert compiled_word(tmp_path / "home") == "호스트"
    assert binary.stat().st_mtime_ns == before

    # An update that was unpacked with the times of its maker.
    text.write_text(TEXT.format(korean="서버"))
    os.utime(text, ns=(0, 0))
    gettext._translations.clear()  # type: ignore[attr-defined]
    assert compiled_word(tmp_path / "home") == "서버"
