"""One key of dockerd's configuration, where it is in force, and the text that would set it."""

from __future__ import annotations

import shlex

from attrs import evolve, frozen

from netops.engine.config_text import drop_json_key, read_json_object, set_docker_opt, set_json_key
from netops.engine.observed import DaemonConfig
from netops.engine.serial import Json
from netops.engine.shell_text import docker_opt, drop_docker_opt

JSON, OPTS = "json", "docker_opts"
BACKUP_SUFFIX = ".before-dockernet"


@frozen
class ConfigEdit:
    """Set `key` to `value` in the file `path`, which is a daemon.json or a shell's DOCKER_OPTS."""

    path: str
    format: str
    key: str
    value: str

    @property
    def backup(self) -> str:
        """Path of the copy of the file as it was, beside it."""
        return self.path + BACKUP_SUFFIX

    def with_value(self, value: str) -> ConfigEdit:
        """Return the same edit with another value."""
        return evolve(self, value=value)

    def applied_to(self, content: bytes | None) -> bytes:
        """Return the file's new content; everything but this key stays as it is, byte by byte.

        Raises ValueError when the content cannot be understood.
        """
        text = None if content is None else content.decode()
        if self.format == JSON:
            return set_json_key(text, self.key, self.value).encode()
        return set_docker_opt(text or "", self.key, self.value).encode()

    def value_in(self, content: bytes | None) -> Json:
        """Return what the file's content says of the key, None where it says nothing.

        Raises ValueError when the content cannot be understood.
        """
        if content is None or not content.strip():
            return None
        if self.format == JSON:
            return read_json_object(content.decode()).get(self.key)
        return docker_opt(content.decode(), self.key)

    def taken_back(self, content: bytes, original: bytes | None) -> bytes:
        """Return `content` with the key as `original` has it; what else differs stays.

        Raises ValueError when one of them cannot be understood.
        """
        value = self.value_in(original)
        if value is not None:
            return evolve(self, value=str(value)).applied_to(content)
        if self.format == JSON:
            return drop_json_key(content.decode(), self.key).encode()
        return drop_docker_opt(content.decode(), self.key).encode()

    def command(self, exists: bool) -> str:
        """Return what a person types for it."""
        path = shlex.quote(self.path)
        copy = f"cp -p {path} {shlex.quote(self.backup)} && " if exists else ""
        setting = f'"{self.key}": "{self.value}"'
        if self.format == OPTS:
            setting = f'DOCKER_OPTS="... --{self.key}={self.value}"'
        return f"{copy}editor {path}    # {setting}"


def edit_for(config: DaemonConfig, keys: tuple[str, ...], key: str, value: str) -> ConfigEdit:
    """Return where `key` is to be set: where it stands now, else where its relatives stand.

    daemon.json is read under every init; DOCKER_OPTS is edited only if one of `keys` is in force
    from there already, since dockerd refuses to start when a key is set in both.
    """
    setting = config.get(key)
    origins = {v.origin: v for k in keys if (v := config.get(k)) is not None}
    related = setting or origins.get("DOCKER_OPTS")
    if related is not None and related.origin == "DOCKER_OPTS":
        return ConfigEdit(related.path or config.flags_path, OPTS, key, value)
    return ConfigEdit(config.path, JSON, key, value)
