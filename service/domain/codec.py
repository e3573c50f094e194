"""Domain values to bytes and back, without loss and without running anything on the way in."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, cast

from service.domain import documents, questions, sql, tables

_MODULES = (documents, questions, sql, tables)
_CLASSES: dict[str, type[Any]] = {
    name: item
    for module in _MODULES
    for name, item in vars(module).items()
    if isinstance(item, type) and (is_dataclass(item) or issubclass(item, Enum))
}
_READERS: dict[str, Callable[[str], object]] = {
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "decimal": decimal.Decimal,
    "bytes": base64.b64decode,
    "float": float,
}


def encode(value: object) -> bytes:
    """A domain value as UTF-8 JSON in which every class is named. Raises TypeError for anything else."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":")).encode()


def decode(content: bytes) -> Any:
    """What encode was given: equal, and of the same types. Raises ValueError or KeyError for other bytes."""
    return _rich(json.loads(content))


def decode_cached(content: bytes) -> Any:
    """As decode, but None for what encode does not write now: it is another version's, or damaged."""
    try:
        return decode(content)
    except (ValueError, KeyError, TypeError, ArithmeticError):
        return None


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return [type(value).__name__, value.value]
        case None | bool() | int() | str():
            return value
        case float():
            return ["float", repr(value)]
        case decimal.Decimal():
            return ["decimal", str(value)]
        case bytes():
            return ["bytes", base64.b64encode(value).decode()]
        case dt.datetime():
            return ["datetime", value.isoformat()]
        case dt.date():
            return ["date", value.isoformat()]
        case tuple():
            return {"items": [_plain(item) for item in cast(tuple[Any, ...], value)]}
        case _ if type(value).__name__ in _CLASSES:
            return [type(value).__name__, {f.name: _plain(getattr(value, f.name)) for f in fields(value)}]
        case _:
            raise TypeError(f"{type(value).__name__} is not a domain value.")


def _rich(plain: Any) -> Any:
    match plain:
        case {"items": items}:
            return tuple(_rich(item) for item in items)
        case [str() as name, {**values}]:
            return _CLASSES[name](**{str(key): _rich(item) for key, item in values.items()})
        case [str() as name, text]:
            return _READERS[name](text) if name in _READERS else _CLASSES[name](text)
        case _:
            return plain
