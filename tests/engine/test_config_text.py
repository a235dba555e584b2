"""Editing daemon.json and DOCKER_OPTS: the one setting changes, every other byte stays."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netops.engine.config_text import read_json_object, set_docker_opt, set_json_key

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8))
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.one_of(st.sampled_from(["bip", "dns", "mtu", 'a"b', "ü"]), st.text(max_size=6))
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=5)
BLANKS = st.text(alphabet=" \t\n\r", max_size=3)


@st.composite
def laid_out(draw: st.DrawFn) -> str:
    """A JSON object written with blanks wherever JSON allows them at its top level."""
    data = draw(OBJECTS)
    indent = draw(st.sampled_from([None, 2, 4, "\t"]))
    members = [
        f"{draw(BLANKS)}{json.dumps(k, ensure_ascii=draw(st.booleans()))}{draw(BLANKS)}:"
        f"{draw(BLANKS)}{json.dumps(v, indent=indent)}{draw(BLANKS)}"
        for k, v in data.items()
    ]
    inner = ",".join(members) if members else draw(BLANKS)
    return f"{draw(BLANKS)}{{{inner}}}{draw(BLANKS)}"


@given(text=laid_out(), key=KEYS, value=VALUES)
@settings(max_examples=400, deadline=None)
def test_it_sets_one_key_and_keeps_the_rest_of_the_object(
    text: str, key: str, value: object
) -> None:
    old = json.loads(text)
    changed = set_json_key(text, key, value)  # type: ignore[arg-type]
    assert json.dumps(json.loads(changed)) == json.dumps({**old, key: value})
    assert set_json_key(changed, key, value) == changed  # type: ignore[arg-type]


@given(text=laid_out(), key=KEYS, value=VALUES)
@settings(max_examples=400, deadline=None)
def test_it_keeps_every_byte_around_the_change(text: str, key: str, value: object) -> None:
    changed = set_json_key(text, key, value)  # type: ignore[arg-type]
    head = next(
        (i for i, (a, b) in enumerate(zip(text, changed, strict=False)) if a != b),
        min(len(text), len(changed)),
    )
    kept = len(text) - head
    while kept and not changed[head:].endswith(text[len(text) - kept :]):
        kept -= 1
    replaced = text[head : len(text) - kept]
    old = json.loads(text)
    if key in old:
        assert len(replaced) <= len(text)
        # What was cut out lies inside the written form of the old value.
        assert replaced.strip() == "" or any(
            replaced in json.dumps(old[key], indent=i, ensure_ascii=a)
            for i in (None, 2, 4, "\t")
            for a in (True, False)
        )
    else:
        assert replaced.strip() == ""  # only the blanks of an empty object may go


def test_it_makes_a_new_file_that_reads_well() -> None:
    assert set_json_key(None, "bip", "192.168.225.1/24") == '{\n  "bip": "192.168.225.1/24"\n}\n'


def test_it_adds_a_key_in_the_layout_of_the_file() -> None:
    text = '{\n\t"dns" : ["8.8.8.8"],\n\t"mtu" : 1400\n}'
    assert set_json_key(text, "bip", "10.0.0.1/24") == (
        '{\n\t"dns" : ["8.8.8.8"],\n\t"mtu" : 1400,\n\t"bip" : "10.0.0.1/24"\n}'
    )


def test_it_adds_a_key_to_an_object_on_one_line() -> None:
    assert set_json_key('{"mtu": 1400, "icc": true}\n', "bip", "10.0.0.1/24") == (
        '{"mtu": 1400, "icc": true, "bip": "10.0.0.1/24"}\n'
    )


def test_it_fills_an_empty_object() -> None:
    assert set_json_key("{}\n", "bip", "10.0.0.1/24") == '{\n  "bip": "10.0.0.1/24"\n}\n'


def test_it_replaces_only_the_value() -> None:
    text = '{\n    "bip":   "172.17.0.1/16" ,\n    "log-opts": {"bip": "not this"}\n}\n'
    assert set_json_key(text, "bip", "10.0.0.1/24") == text.replace("172.17.0.1/16", "10.0.0.1/24")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n",
        "[]",
        '"x"',
        "{",
        '{"a": 1,}',
        '{"a": NaN}',
        '{"a": 1} x',
        "\ufeff{}",
        '{"bip": "1", "bip": "2"}',
        '{"a": {"b": 1, "b": 2}}',
        "// comment\n{}",
        "{'a': 1}",
    ],
)
def test_it_refuses_what_is_no_plain_json_object(text: str) -> None:
    with pytest.raises(ValueError, match=r"^The (file|key) .*\.$"):
        read_json_object(text)
    if text.strip():
        with pytest.raises(ValueError, match=r"^The "):
            set_json_key(text, "bip", "10.0.0.1/24")


def shell_words(text: str, folder: Path) -> list[str]:
    """The words of $DOCKER_OPTS as the init script would pass them to dockerd."""
    path = folder / "docker"
    path.write_text(text)
    program = f'. "{path}"; for w in $DOCKER_OPTS; do printf "%s\\0" "$w"; done'
    done = subprocess.run(
        ["sh", "-ec", program], capture_output=True, check=True, text=True, cwd="/"
    )
    return done.stdout.split("\0")[:-1]


FILES = [
    "",
    "# nothing set\n",
    '#DOCKER_OPTS="--bip=1.1.1.1/8"\n',
    'DOCKER_OPTS=""\n',
    "DOCKER_OPTS=\n",
    'DOCKER_OPTS="--bip=172.18.0.1/16"\n',
    "DOCKER_OPTS='--bip 172.18.0.1/16 --dns 8.8.8.8'\n",
    'export DOCKER_OPTS="--dns 8.8.8.8 --bip=172.18.0.1/16 --mtu=1400" # why\n',
    "DOCKER_OPTS=--bip=172.18.0.1/16\nexport DOCKER_OPTS\n",
    'DOCKER_OPTS="\\\n  --dns 8.8.8.8 \\\n  --bip \\\n 172.18.0.1/16 \\\n"\n',
    'DOCKER_OPTS="--mtu=1400"\nDOCKER_OPTS="$DOCKER_OPTS --bip=172.18.0.1/16"\n',
    'DOCKER_OPTS="--bip=172.18.0.1/16"\nDOCKER_OPTS="${DOCKER_OPTS} --mtu=1400"\n',
    "if true; then\n  DOCKER_OPTS='--mtu=1400'\nfi\nHTTP_PROXY=\"it's; # no comment\"\n",
    'DOCKER_OPTS="--bip-not=1 --dns=8.8.8.8"\nOTHER="--bip=9.9.9.9/8"\n',
    'DOCKER_OPTS="--mtu=1400"  ; OTHER=1',
]


@pytest.mark.parametrize("text", FILES)
def test_it_sets_a_flag_as_the_shell_sees_it(text: str, tmp_path: Path) -> None:
    old = list(shell_words(text, tmp_path))
    changed = set_docker_opt(text, "--bip", "192.168.225.1/24")
    new = shell_words(changed, tmp_path)
    joined = " ".join(new).replace("--bip 192", "--bip=192")
    assert joined.split().count("--bip=192.168.225.1/24") == 1
    assert "172.18.0.1" not in joined

    def others(words: list[str]) -> list[str]:
        flat = " ".join(words).replace("--bip ", "--bip=").split()
        return [w for w in flat if not w.startswith("--bip=")]

    assert others(new) == others(old)
    assert set_docker_opt(changed, "--bip", "192.168.225.1/24") == changed
    assert set_docker_opt(text, "bip", "192.168.225.1/24") == changed


@pytest.mark.parametrize("text", [t for t in FILES if "172.18.0.1/16" in t])
def test_it_replaces_the_flags_value_and_not_one_byte_more(text: str) -> None:
    changed = set_docker_opt(text, "--bip", "192.168.225.1/24")
    assert changed == text.replace("172.18.0.1/16", "192.168.225.1/24")


OPTION = st.sampled_from(
    [
        "--mtu=1400",
        "--dns 8.8.8.8",
        "--icc=false",
        "--bip=10.1.0.1/16",
        "--bip 10.2.0.1/16",
        "--label a=b",
    ]
)
NOISE = st.sampled_from(
    [
        "# DOCKER_OPTS=x",
        "A=1",
        "B='two words'",
        "",
        'C="--bip=7.7.7.7/8"',
        "export PATH",
        'D="\\"DOCKER_OPTS=no\\""',
    ]
)


@given(
    before=st.lists(NOISE, max_size=3),
    options=st.lists(OPTION, max_size=4),
    quote=st.sampled_from(["'", '"']),
    gap=st.sampled_from([" ", "  ", "\t", "\n "]),
    after=st.lists(NOISE, max_size=3),
)
@settings(max_examples=150, deadline=None)
def test_it_keeps_all_other_lines_and_options(
    before: list[str],
    options: list[str],
    quote: str,
    gap: str,
    after: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    head, tail = "".join(f"{x}\n" for x in before), "".join(f"\n{x}" for x in after)
    text = f"{head}DOCKER_OPTS={quote}{gap.join(options)}{quote}{tail}"
    changed = set_docker_opt(text, "--bip", "192.168.225.1/24")
    assert changed.startswith(head)
    assert changed.endswith(f"{quote}{tail}")
    words = " ".join(shell_words(changed, tmp_path_factory.mktemp("opts")))
    bips = [o for o in options if o.startswith("--bip")]
    expected = [
        o.replace("10.1.0.1/16", "192.168.225.1/24").replace("10.2.0.1/16", "192.168.225.1/24")
        for o in options
    ]
    if not bips:
        expected.append("--bip=192.168.225.1/24")
    assert words == " ".join(" ".join(expected).split())
    assert set_docker_opt(changed, "--bip", "192.168.225.1/24") == changed


@pytest.mark.parametrize(
    "text",
    [
        'DOCKER_OPTS="--bip=1.1.1.1/8\n',
        "DOCKER_OPTS='x",
        "cat <<END\nDOCKER_OPTS=x\nEND\n",
        'DOCKER_OPTS="$(cat /etc/opts)"\n',
        "DOCKER_OPTS=`cat /etc/opts`\n",
        "DOCKER_OPTS=--dns 8.8.8.8 --bip=1.1.1.1/8\n",
        "DOCKER_OPTS=\"--bip='1.1.1.1/8'\"\n",
        'DOCKER_OPTS="--bip=\\"1.1.1.1/8\\""\n',
    ],
)
def test_it_leaves_a_file_that_it_does_not_understand_to_a_person(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        set_docker_opt(text, "--bip", "192.168.225.1/24")


@pytest.mark.parametrize("value", ["a b", "$(reboot)", "`x`", "a'b", 'a"b', "a;b", "a\nb"])
def test_it_writes_no_value_that_the_shell_would_read_as_more(value: str) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        set_docker_opt("", "--bip", value)
