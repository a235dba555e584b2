"""attrs classes to plain JSON and back, typed by their annotations; unknown input is refused."""

from __future__ import annotations

import ipaddress
import types
import typing
from functools import cache
from typing import Any, TypeVar, cast

import attrs

from netops.engine.errors import MessageRejected

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
T = TypeVar("T")
# Nothing of ours is nested deeper, nor larger: what comes by wire must not exhaust who reads it.
_DEPTH, _WHOLE = 40, 2**63

_TEXTUAL: tuple[type, ...] = (
    ipaddress.IPv4Address,
    ipaddress.IPv4Interface,
    ipaddress.IPv4Network,
    ipaddress.IPv6Address,
    ipaddress.IPv6Interface,
    ipaddress.IPv6Network,
)


def to_json(value: object) -> Any:
    """Return `value` (attrs classes, tuples, dicts, addresses) as plain JSON data."""
    kind: Any = type(value)
    if attrs.has(kind):
        fields = attrs.fields(kind)
        return {f.alias.rstrip("_"): to_json(getattr(value, f.name)) for f in fields}
    if isinstance(value, _TEXTUAL):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    return value


def from_json(kind: type[T], data: object, where: str = "") -> T:
    """Return `data` as a value of the attrs class `kind`.

    Raises MessageRejected with the path of the first field that does not fit.
    """
    return cast(T, _read(kind, data, where or kind.__name__))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _reject(where: str, wanted: str) -> MessageRejected:
    return MessageRejected("malformed", f"{where}: {wanted} expected", where)


def _read(kind: Any, data: object, where: str) -> object:
    origin = typing.get_origin(kind)
    if kind in (Any, object) or kind == Json:
        _check_depth(data, where)
        return data
    if origin in (types.UnionType, typing.Union):
        return _read_union(kind, data, where)
    if origin is tuple:
        if not isinstance(data, list):
            raise _reject(where, "a list")
        item = typing.get_args(kind)[0]
        return tuple(_read(item, x, f"{where}[{i}]") for i, x in enumerate(data))
    if origin is dict:
        if not isinstance(data, dict):
            raise _reject(where, "an object")
        item = typing.get_args(kind)[1]
        return {str(k): _read(item, v, f"{where}.{k}") for k, v in data.items()}
    if attrs.has(kind):
        return _read_class(kind, data, where)
    return _read_scalar(kind, data, where)


def _check_depth(data: object, where: str) -> None:
    """Refuse free JSON that is nested too deep, without a recursion of our own."""
    level: list[object] = [data]
    for _ in range(_DEPTH):
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return
        level = inner
    raise _reject(where, "less nesting")


def _read_union(kind: Any, data: object, where: str) -> object:
    options = typing.get_args(kind)
    if data is None and type(None) in options:
        return None
    inner = [option for option in options if option is not type(None)]
    if len(inner) != 1:
        return data
    return _read(inner[0], data, where)


def _read_class(kind: Any, data: object, where: str) -> object:
    if not isinstance(data, dict):
        raise _reject(where, "an object")
    hints, values = _hints(kind), {}
    names = {f.alias.rstrip("_"): f for f in attrs.fields(kind)}
    for key in data:
        if key not in names:
            raise MessageRejected("malformed", f"{where}: unknown field {str(key)[:60]!r}", where)
    for key, field in names.items():
        if key in data:
            values[field.alias] = _read(hints[field.name], data[key], f"{where}.{key}")
        elif field.default is attrs.NOTHING:
            raise _reject(f"{where}.{key}", "a value")
    return kind(**values)


def _read_scalar(kind: Any, data: object, where: str) -> object:
    if kind in _TEXTUAL:
        if not isinstance(data, str):
            raise _reject(where, kind.__name__)
        try:
            return kind(data)
        except ValueError as error:
            raise _reject(where, kind.__name__) from error
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        if abs(data) >= _WHOLE:
            raise _reject(where, "a smaller number")
        return float(data)
    if type(data) is not kind:
        raise _reject(where, kind.__name__)
    if isinstance(data, int) and abs(data) >= _WHOLE:
        raise _reject(where, "a smaller number")
    return data
