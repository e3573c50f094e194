"""The record that says which model an index of Pinecone is for, and where its records are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from pinecone import AsyncIndex

_NAMESPACE = "ragsql"
_IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Place:
    """In which index of Pinecone records are, and in the namespaces of which generation."""

    index: str
    generation: str


def place_of(stored: Mapping[str, str], name: str) -> Place:
    """Where the records are that the identity record in the index of this name leads to."""
    return Place(stored.get("index", name), stored.get("generation", ""))


def suffix(place: Place) -> str:
    """What ends the names of a place's namespaces. No quoted tenant has an @ in it."""
    return f"@{place.generation}" if place.generation else ""


async def read_identity(index: AsyncIndex) -> dict[str, str] | None:
    """The fields of the record, None before it is written."""
    found = await index.fetch(ids=[_IDENTITY], namespace=_NAMESPACE)
    return cast("dict[str, str]", found.vectors[_IDENTITY].metadata) if _IDENTITY in found.vectors else None


async def write_identity(index: AsyncIndex, dimension: int, fields: Mapping[str, str]) -> None:
    """Write the record into an index of this dimension."""
    record = {"id": _IDENTITY, "values": marker(dimension), "metadata": dict(fields)}
    await index.upsert(vectors=[record], namespace=_NAMESPACE)


def marker(dimension: int) -> list[float]:
    """The vector of a record that is not searched by meaning. Pinecone takes none that is all zeros."""
    return [1.0] + [0.0] * (dimension - 1)
