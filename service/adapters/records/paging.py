"""Pages of a listing, newest first, and their opaque tokens: the time and the id of the last item seen."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from service.errors import FieldViolation, InvalidRequest
from service.ports import Page

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement, Connection, Row, Table

T = TypeVar("T")

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


class Position(NamedTuple):
    """Where a page ends, newest first."""

    create_time: dt.datetime
    id: str


def encode(listing: str, position: Position) -> str:
    """A token of one listing. It stays good while items come and go, also when its own item goes."""
    value = [listing, (position.create_time - _EPOCH) // _MICROSECOND, position.id]
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(listing: str, token: str) -> Position:
    """The inverse of encode. Raises InvalidRequest for anything that encode did not return for this listing."""
    try:
        found, microseconds, item_id = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        position = Position(_EPOCH + microseconds * _MICROSECOND, item_id)
        if found == listing and item_id.isprintable() and encode(listing, position) == token:
            return position
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        pass
    raise InvalidRequest(
        FieldViolation("page_token", "This is not a token of this listing. Use next_page_token of its last response.")
    )


def fetch(
    connection: Connection,
    table: Table,
    condition: ColumnElement[bool],
    convert: Callable[[Row[Any]], T],
    size: int,
    token: str,
) -> Page[T]:
    """The rows of table that fit condition, size of them, after the token's position."""
    from sqlalchemy import select, tuple_

    order = (table.c.create_time, table.c.id)
    query = select(table).where(condition).order_by(*(column.desc() for column in order)).limit(size + 1)
    if token:
        position = decode(table.name, token)
        query = query.where(tuple_(*order) < tuple_(*position))
    rows = connection.execute(query).all()
    more = len(rows) > size
    last = rows[size - 1] if more else None
    next_token = encode(table.name, Position(last.create_time, last.id)) if last else ""
    return Page(tuple(convert(row) for row in rows[:size]), next_token)
