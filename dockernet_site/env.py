"""Reads the environment; a bad value stops the site with one clear line."""

from __future__ import annotations

import os
import secrets
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"", "0", "false", "no", "off"}


def text(name: str, default: str = "") -> str:
    """Return a variable without surrounding space, `default` when it is unset or empty."""
    return os.environ.get(name, "").strip() or default


def flag(name: str) -> bool:
    """Return a yes/no variable, False when unset; raises ImproperlyConfigured on another word."""
    value = text(name).lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def number(name: str, default: int, *, low: int, high: int) -> int:
    """Return a whole number between `low` and `high`; raises ImproperlyConfigured otherwise."""
    value = text(name, str(default))
    if not value.isdecimal() or not low <= int(value) <= high:
        raise ImproperlyConfigured(
            f"{name} must be a whole number from {low} to {high}, not {value!r}."
        )
    return int(value)


def choice(name: str, default: str, words: tuple[str, ...]) -> str:
    """Return one of `words` in capitals; raises ImproperlyConfigured for any other."""
    value = text(name, default).lower()
    if value not in words:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(words)}, not {value!r}.")
    return value.upper()


def words(name: str, known: tuple[str, ...]) -> frozenset[str]:
    """Return the words of a list with commas; raises ImproperlyConfigured for an unknown one."""
    found = frozenset(w.strip().lower() for w in text(name).split(",") if w.strip())
    if strange := sorted(found.difference(known)):
        raise ImproperlyConfigured(
            f"{name} must be words of {', '.join(known)}, separated by commas, not {strange[0]!r}."
        )
    return found


def networks(name: str, default: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return a list of addresses and networks with commas; raises ImproperlyConfigured."""
    found = []
    for word in filter(None, map(str.strip, text(name, default).split(","))):
        try:
            found.append(ip_network(word))
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name} must be addresses or networks such as 192.0.2.7 or 10.0.0.0/24, "
                f"separated by commas, not {word!r}."
            ) from error
    return tuple(found)


def url(name: str, default: str, schemes: tuple[str, ...]) -> str:
    """Return an absolute URL with one of `schemes`, without a trailing slash.

    Raises ImproperlyConfigured when it is not one (the password in it is never shown).
    """
    value = text(name, default).rstrip("/")
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        valid = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or any(c.isspace() or c in "'\"\\`$;<>" for c in value):
        wanted = " or ".join(f"{s}://" for s in schemes)
        raise ImproperlyConfigured(f"{name} must be a URL that starts with {wanted} and a host.")
    return value


def folder(name: str, default: Path) -> Path:
    """Return a folder as an absolute path, made with mode 0700 when it is missing."""
    path = Path(text(name, str(default))).expanduser().resolve()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name}: cannot make the folder {path} ({error.strerror})."
        ) from error
    return path


def file(name: str) -> str:
    """Return the absolute path of a file that can be read, "" when the variable is unset.

    Raises ImproperlyConfigured when it cannot.
    """
    value = text(name)
    if not value:
        return ""
    path = Path(value).expanduser().resolve()
    if not path.is_file() or not os.access(path, os.R_OK):
        raise ImproperlyConfigured(f"{name}: {path} is no file that can be read.")
    return str(path)


def kept(path: Path) -> str:
    """Return the text of a file that another process of the site keeps, "" if there is none."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def kept_secret(path: Path, size: int = 48) -> str:
    """Return the secret kept in a file (mode 0600), made on first use.

    Two processes that start at once agree: O_EXCL lets one write, the other reads.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_secret(path)
    except OSError as error:
        raise ImproperlyConfigured(f"Cannot write {path} ({error.strerror}).") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(size))
    return _read_secret(path)


def _read_secret(path: Path) -> str:
    try:
        value = path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"Cannot read {path} ({error.strerror}).") from error
    if len(value) < 32:
        raise ImproperlyConfigured(f"{path} holds no secret; remove it and start again.")
    return value


def host_of(address: str) -> str:
    """Return the host of a URL as Django's ALLOWED_HOSTS wants it (IPv6 in brackets)."""
    host = urlsplit(address).hostname or ""
    try:
        return f"[{host}]" if ip_address(host).version == 6 else host
    except ValueError:
        return host
