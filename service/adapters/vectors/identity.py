"""Which embedding model made an index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from service.domain import terms
from service.errors import NotConfigured, OtherEmbeddingModel


@dataclass(frozen=True, slots=True)
class Identity:
    """What has to be the same for vectors and words to be comparable."""

    model: str
    dimension: int

    def fields(self) -> dict[str, str]:
        """What is stored with an index."""
        return {"model": self.model, "dimension": str(self.dimension), "terms_version": str(terms.VERSION)}

    @staticmethod
    def of(stored: Mapping[str, str]) -> Identity:
        """The inverse of fields."""
        return Identity(stored["model"], int(stored["dimension"]))

    def check(self, stored: Mapping[str, str], place: str, setting: str) -> None:
        """Raises OtherEmbeddingModel if an index with these fields is not of this model.

        Raises NotConfigured if a newer version wrote it.

        place names the index at the beginning of a sentence; setting is the one that leads to it.
        """
        if int(stored["terms_version"]) > terms.VERSION:
            raise newer(place, setting)
        made_by = Identity.of(stored)
        if made_by != self:
            raise OtherEmbeddingModel(
                f"{place} was made with the embedding model {made_by.model} of {made_by.dimension} dimensions, but the "
                f"service embeds with {self.model} of {self.dimension}. Set RAGSQL_EMBEDDER and "
                "RAGSQL_EMBEDDING_MODEL to that model, or run `ragsql reindex` to embed anew all that "
                f"{setting} leads to."
            )


def newer(place: str, setting: str) -> NotConfigured:
    """For an index of a version that this one does not know."""
    return NotConfigured(
        f"{place} was written by a newer version of ragsql. Upgrade, or set {setting} to another place."
    )
