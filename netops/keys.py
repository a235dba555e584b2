"""How new keys travel to a host: encrypted under the old secret, inside a message sealed with it.

Encrypt-then-MAC with what the standard library has: a pad of HMAC-SHA256 blocks over a nonce that
is used once, from a key derived from the old secret for this alone; the seal of the message is the
MAC. See docs/adr/0007.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from attrs import field, frozen

from netops.engine.errors import MessageRejected
from netops.wire import RotateKeys

_SIZE = 64  # secret and broker password, 32 bytes each


@frozen
class NewKeys:
    """A secret and a broker password, each 32 bytes in hex."""

    secret: str = field(repr=False)
    password: str = field(repr=False)


def keys_make() -> NewKeys:
    """Return keys that nobody has seen yet."""
    return NewKeys(secrets.token_hex(32), secrets.token_hex(32))


def keys_pack(old_secret: bytes, keys: NewKeys) -> RotateKeys:
    """Return the message that brings `keys` to who knows `old_secret`; to be sealed with it."""
    nonce = secrets.token_bytes(32)
    plain = bytes.fromhex(keys.secret + keys.password)
    box = _xor(plain, _pad(old_secret, nonce))
    return RotateKeys(secrets.token_hex(16), nonce.hex(), box.hex())


def keys_unpack(old_secret: bytes, message: RotateKeys) -> NewKeys:
    """Return the keys in a message whose seal was checked with `old_secret`.

    Raises MessageRejected for what is no box.
    """
    try:
        nonce, box = bytes.fromhex(message.nonce), bytes.fromhex(message.box)
    except ValueError as error:
        raise MessageRejected("malformed", "The new keys cannot be read.", "box") from error
    if len(nonce) != 32 or len(box) != _SIZE:
        raise MessageRejected("malformed", "The new keys are not of the right length.", "box")
    plain = _xor(box, _pad(old_secret, nonce))
    return NewKeys(plain[:32].hex(), plain[32:].hex())


def _pad(secret: bytes, nonce: bytes) -> bytes:
    key = hmac.new(secret, b"dockernet rotate v1", hashlib.sha256).digest()
    blocks = (hmac.digest(key, nonce + bytes([n]), "sha256") for n in (1, 2))
    return b"".join(blocks)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
