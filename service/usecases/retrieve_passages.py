"""Find passages for a question, once: routing and answering both use what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.caller import Caller
from service.domain.passages import merge_neighbours, without_repeats
from service.domain.questions import Question, Route, Usage
from service.domain.spending import spending
from service.errors import UpstreamUnavailable
from service.ports import Embedder, Reader, VectorStore
from service.usecases.read_passages import Evidence, read_passages
from service.usecases.steps import step, traced

if TYPE_CHECKING:
    from service.ports import Vectors

CANDIDATES = 2
"""Chunks that are fetched a passage wanted: some are left out as repeats, some are joined."""


@dataclass(frozen=True, slots=True, eq=False)
class Retrieved:
    """The question's vector, shape (dimension,), zero without one, the evidence, the best first, and what it cost.

    problem says why the documents could not be searched, and is empty when they were.
    """

    vector: Vectors
    evidence: tuple[Evidence, ...]
    usage: Usage
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RetrievePassages:
    """One embedding, one search and one reading a question."""

    embedder: Embedder
    vectors: VectorStore
    reader: Reader

    @traced("retrieve", lambda found: {"evidence": len(found.evidence)})
    async def __call__(self, caller: Caller, question: Question) -> Retrieved:
        """Nothing is embedded or searched where the caller wants SQL alone.

        Raises UpstreamUnavailable when the question could not be embedded.
        """
        if question.route is Route.SQL:
            return self.nothing()
        with spending() as spent:
            vector = await self.embedder.embed_query(caller, question.text)
        usage = spent()
        try:
            return Retrieved(vector, await self._read(caller, question, vector), usage)
        except UpstreamUnavailable as error:
            return Retrieved(vector, (), usage, error.message)

    def nothing(self, problem: str = "") -> Retrieved:
        """What there is where nothing was embedded, because of the problem if any."""
        import numpy as np

        return Retrieved(np.zeros(self.embedder.dimension, np.float32), (), Usage(), problem)

    async def _read(self, caller: Caller, question: Question, vector: Vectors) -> tuple[Evidence, ...]:
        wanted = question.top_k
        with step("search") as span:
            found = await self.vectors.search(caller, question.text, vector, CANDIDATES * wanted, question.documents)
            span.set(passages=len(found))
        passages = merge_neighbours(without_repeats(found))[:wanted]
        with step("read") as span:
            readings = await self.reader.read(caller, question.text, passages)
            span.set(model=self.reader.model, passages=len(passages))
        return tuple(read_passages(question.text, passages, readings))
