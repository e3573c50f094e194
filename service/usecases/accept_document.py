"""What every way of uploading checks and decides before anything is stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from service.domain.documents import Document, DocumentState
from service.domain.filenames import filename_problem
from service.errors import FieldViolation, InvalidRequest, PayloadTooLarge

ACCEPTED = (DocumentState.PENDING, DocumentState.ACTIVE)
"""What an upload of the same content repeats."""
_INSTANT = dt.timedelta(microseconds=1)


def check_file(filename: str, size_bytes: int, max_bytes: int, field: str) -> None:
    """Raises InvalidRequest and PayloadTooLarge. field is the request's field that gives the size."""
    if problem := filename_problem(filename):
        raise _invalid("filename", problem)
    if size_bytes < 1:
        raise _invalid(field, "must not be empty: the file has 0 bytes.")
    if size_bytes > max_bytes:
        raise PayloadTooLarge(f"The file has {size_bytes} bytes, at most {max_bytes} are allowed.")


def accepted_before(others: Sequence[Document], sha256: str) -> Document | None:
    """The document that an upload of this content would repeat. others are all of the name, newest first.

    One that is PROCESSING does not count: it may belong to a caller who gives up.
    """
    if not others or others[0].delete_time:
        return None
    return others[0] if others[0].sha256 == sha256 and others[0].state in ACCEPTED else None


def acceptance_time(others: Sequence[Document]) -> dt.datetime:
    """Now, and after every other of the name: the order in which uploads were accepted decides which one stays."""
    return max([dt.datetime.now(dt.UTC), *(other.create_time + _INSTANT for other in others)])


def _invalid(field: str, description: str) -> InvalidRequest:
    return InvalidRequest(FieldViolation(field, description))
