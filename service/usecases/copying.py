"""What the parts of a migration share: progress, and what was found to be the same on both sides."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol


class CopyProgress(NamedTuple):
    """How many items of a part are done, of how many; total is 0 while it is not known."""

    part: str
    done: int
    total: int


class Copied(NamedTuple):
    """items and checksum are those of the source, found to be the target's too. moved were not there before."""

    part: str
    items: int
    moved: int
    removed: int
    checksum: str


Report = Callable[[CopyProgress], None]


class PartCopy(Protocol):
    """One kind of what is stored, on its way to another backend. The source is only read."""

    async def is_empty(self) -> bool:
        """Whether the target holds nothing of this kind."""
        ...

    async def fingerprint(self) -> str:
        """Changes whenever anything is changed in the target."""
        ...

    async def copy(self, report: Report) -> Copied:
        """Make the target hold what the source holds, and compare. What is there already is not copied again.

        Raises UpstreamUnavailable when a backend fails, or when they still differ because the source changes.
        """
        ...
