"""Parts of long listings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a listing. next_token is empty on the last."""

    items: tuple[T, ...]
    next_token: str = ""
