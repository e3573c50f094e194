"""Find passages for a question, once: routing and answering both use what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.caller import Caller
from service.domain.passages import merge_neighbours, without_repeats
from service.domain.questions import Question, Route
from service.ports import Embedder, Reader, VectorStore
from service.usecases.read_passages import Evidence, read_passages
from service.usecases.steps import step, traced

if TYPE_CHECKING:
    from service.ports import Vectors

CANDIDATES = 2
"""Chunks that are fetched a passage wanted: some are left out as repeats, some are joined."""


@dataclass(frozen=True, slots=True, eq=False)
class Retrieved:
    """The question's vector, shape (dimension,), its tokens, and the evidence found, the best first."""

    vector: Vectors
    tokens: int
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class RetrievePassages:
    """One embedding, one search and one reading a question."""

    embedder: Embedder
    vectors: VectorStore
    reader: Reader

    @traced("retrieve", lambda found: {"evidence": len(found.evidence)})
    async def __call__(self, caller: Caller, question: Question) -> Retrieved:
        """Nothing is searched where the caller wants SQL alone."""
        vector = await self.embedder.embed_query(caller, question.text)
        if question.route is Route.SQL:
            return Retrieved(vector, self.embedder.count_tokens(question.text), ())
        wanted = question.top_k
        with step("search") as span:
            found = await self.vectors.search(caller, question.text, vector, CANDIDATES * wanted, question.documents)
            span.set(passages=len(found))
        passages = merge_neighbours(without_repeats(found))[:wanted]
        with step("read") as span:
            readings = await self.reader.read(caller, question.text, passages)
            span.set(model=self.reader.model, passages=len(passages))
        evidence = tuple(read_passages(question.text, passages, readings))
        return Retrieved(vector, self.embedder.count_tokens(question.text), evidence)
