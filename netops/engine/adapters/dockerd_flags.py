"""dockerd's command line as settings by the names that they have in daemon.json (dockerd(8))."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from netops.engine.serial import Json

# Flags without a value of their own (`--iptables`, `--iptables=false`), Docker 20.10 to 29.
_SWITCHES = {
    "allow-direct-routing", "cri-containerd", "debug", "experimental", "help", "icc", "init",
    "ip-forward", "ip-forward-no-drop", "ip-masq", "ip6tables", "iptables", "ipv6", "live-restore",
    "no-new-privileges", "raw-logs", "rootless", "selinux-enabled", "tls", "tlsverify",
    "userland-proxy", "validate", "version",
}  # fmt: skip
_NUMBERS = {
    "cpu-rt-period", "cpu-rt-runtime", "max-concurrent-downloads", "max-concurrent-uploads",
    "max-download-attempts", "mtu", "network-control-plane-mtu", "oom-score-adjust",
    "shutdown-timeout",
}  # fmt: skip
_SHORT = {
    "b": "bridge", "D": "debug", "G": "group", "g": "data-root", "h": "help", "H": "host",
    "l": "log-level", "p": "pidfile", "s": "storage-driver", "v": "version",
}  # fmt: skip
# Flags that may stand more than once, with their key in daemon.json.
_LISTS = {
    "allow-nondistributable-artifacts": "allow-nondistributable-artifacts",
    "authorization-plugin": "authorization-plugins", "cdi-spec-dir": "cdi-spec-dirs",
    "default-address-pool": "default-address-pools", "dns": "dns", "dns-opt": "dns-opts",
    "dns-search": "dns-search", "exec-opt": "exec-opts", "host": "hosts",
    "insecure-registry": "insecure-registries", "label": "labels",
    "node-generic-resource": "node-generic-resources", "registry-mirror": "registry-mirrors",
    "storage-opt": "storage-opts",
}  # fmt: skip
_MAPS = {
    "add-runtime": "runtimes", "default-network-opt": "default-network-opts",
    "default-ulimit": "default-ulimits", "feature": "features", "log-opt": "log-opts",
}  # fmt: skip
_RENAMED = {"graph": "data-root"}


@frozen
class Word:
    """A word of dockerd's command line, and the place that it stands in."""

    text: str
    origin: str
    path: str


@frozen
class Setting:
    """What flags say of one key of daemon.json; for one that repeats, the place of the last."""

    key: str
    value: Json
    origin: str
    path: str


def read_flags(words: Sequence[Word]) -> tuple[Setting, ...]:
    """Return the settings of dockerd's words (without the program), by key.

    As pflag reads them: `--name=value`, `--name value`, `-n value`, `-nvalue`; the last of a flag
    that cannot repeat holds; `--` ends the flags.
    """
    found: dict[str, Setting] = {}
    for name, raw, word in _pairs(words):
        key, value = _value(name, raw, found)
        found[key] = Setting(key, value, word.origin, word.path)
    return tuple(found[key] for key in sorted(found))


def _pairs(words: Sequence[Word]) -> Iterator[tuple[str, str | None, Word]]:
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word.text == "--":
            return
        if word.text.startswith("--"):
            name, equals, value = word.text[2:].partition("=")
            if equals:
                yield name, value, word
            elif name in _SWITCHES:
                yield name, None, word
            else:
                yield name, rest.pop(0).text if rest else "", word
        elif word.text.startswith("-") and len(word.text) > 1:
            yield from _short(word, rest)


def _short(word: Word, rest: list[Word]) -> Iterator[tuple[str, str | None, Word]]:
    letters = word.text[1:]
    while letters:
        name = _SHORT.get(letters[0], letters[0])
        letters = letters[1:]
        if letters.startswith("="):
            yield name, letters[1:], word
            return
        if name not in _SWITCHES:
            yield name, letters or (rest.pop(0).text if rest else ""), word
            return
        yield name, None, word


def _value(name: str, raw: str | None, found: dict[str, Setting]) -> tuple[str, Json]:
    if name in _SWITCHES:
        # strconv.ParseBool, which pflag uses
        return name, raw is None or raw in ("1", "t", "T", "true", "TRUE", "True")
    text = raw or ""
    if name in _NUMBERS and text.lstrip("-").isdigit():
        return name, int(text)
    if name in _LISTS:
        key = _LISTS[name]
        earlier = found[key].value if key in found else []
        item: Json = _pool(text) if name == "default-address-pool" else text
        return key, [*(earlier if isinstance(earlier, list) else []), item]
    if name in _MAPS:
        key = _MAPS[name]
        before = found[key].value if key in found else {}
        option, _, setting = text.partition("=")
        return key, {**(before if isinstance(before, dict) else {}), option: setting}
    return _RENAMED.get(name, name), text


def _pool(text: str) -> Json:
    parts = dict(part.partition("=")[::2] for part in text.split(","))
    size = parts.get("size", "")
    return {"base": parts.get("base", ""), "size": int(size) if size.isdigit() else size}
