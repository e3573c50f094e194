"""JSON to lines that a person can read: "path: value", and tables for lists of flat objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from service.adapters.parsers.cleaning import one_line
from service.adapters.parsers.completeness import check_whole, letters
from service.adapters.parsers.tables import table_block
from service.domain.documents import Block, BlockKind, ParsedDocument
from service.errors import UnreadableDocument

PARSER = "ragsql json 1"
_DEEPEST = 64
_WIDEST_TABLE = 64
_HIGHEST_HEADING = 6
_VALUE = re.compile(r'"((?:[^"\\]|\\.)*+)"(\s*:)?|(-?\d[\d.eE+-]*)')


def parse_json(text: str, title: str) -> ParsedDocument:
    """Every key and value is kept. Raises UnreadableDocument for nesting beyond 64 levels."""
    try:
        value: Any = json.loads(
            text.lstrip("\ufeff"), parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=_object_of
        )
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise UnreadableDocument(f"The file is not valid JSON: {error}. Correct it and upload it again.") from None
    blocks = tuple(_value("", value, 1))
    check_whole(letters(_values(text)), blocks)
    return ParsedDocument(title, blocks, 0, PARSER)


def _values(text: str) -> Iterator[str]:
    """The strings and numbers of JSON that are not keys, as they stand in it: a second way to read it."""
    for string, colon, number in _VALUE.findall(text):
        if number or not colon:
            yield number or (json.loads(f'"{string}"', strict=False) if "\\" in string else string)


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Every member, also those that share a key."""
    members: dict[str, Any] = {}
    for key, value in pairs:
        name, number = key, 2
        while name in members:
            name, number = f"{key} ({number})", number + 1
        members[name] = value
    return members


def _value(path: str, value: Any, depth: int) -> Iterator[Block]:
    if depth > _DEEPEST:
        raise _too_deep()
    if isinstance(value, dict):
        yield from _object(path, cast("dict[str, Any]", value), depth)
    elif isinstance(value, list):
        yield from _list(path, cast("list[Any]", value), depth)
    else:
        yield _line(path, value)


def _object(path: str, value: dict[str, Any], depth: int) -> Iterator[Block]:
    """Plain members first, so that none stands below the heading of another."""
    if path and value:
        yield Block(BlockKind.HEADING, path, min(depth - 1, _HIGHEST_HEADING))
    nested = {key: member for key, member in value.items() if member and _is_nested(member)}
    for key, member in value.items():
        if key not in nested:
            yield _line(_join(path, key), member)
    for key, member in nested.items():
        yield from _value(_join(path, key), member, depth + 1)
    if not value:
        yield _line(path, "{}")


def _list(path: str, values: list[Any], depth: int) -> Iterator[Block]:
    rows = _rows(values)
    if rows:
        if path:
            yield Block(BlockKind.HEADING, path, min(max(depth - 1, 1), _HIGHEST_HEADING))
        yield rows
    elif not any(isinstance(value, dict | list) for value in values):
        yield _line(path, ", ".join(_plain(value) for value in values))
    else:
        for number, value in enumerate(values, 1):
            yield from _value(f"{path}[{number}]", value, depth + 1)


def _rows(values: list[Any]) -> Block | None:
    """A table, when all are flat objects that share a bounded set of keys."""
    objects = cast("list[dict[str, Any]]", [value for value in values if isinstance(value, dict) and value])
    if len(values) < 2 or len(objects) < len(values):
        return None
    keys = list(dict.fromkeys(key for member in objects for key in member))
    if len(keys) > _WIDEST_TABLE or any(_is_nested(value) for member in objects for value in member.values()):
        return None
    return table_block([keys, *([_plain(member.get(key, "")) for key in keys] for member in objects)])


def _is_nested(value: Any) -> bool:
    if isinstance(value, list):
        return any(isinstance(member, dict | list) for member in cast("list[Any]", value))
    return isinstance(value, dict)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(member) for member in cast("list[Any]", value))
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return str(value)


def _line(path: str, value: Any) -> Block:
    text = one_line(_plain(value)) or '""'
    return Block(BlockKind.LIST_ITEM, f"{path}: {text}" if path else text)


def _join(path: str, key: str) -> str:
    return one_line(f"{path}.{key}" if path else key) or '""'


def _too_deep() -> UnreadableDocument:
    return UnreadableDocument(f"The JSON is nested more than {_DEEPEST} levels deep. Flatten it and upload it again.")
