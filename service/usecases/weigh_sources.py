"""What the documents and the database hold for a question, from what was retrieved for its answer anyway."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.routing import DatabaseEvidence, DocumentEvidence, SourceEvidence
from service.domain.schema_phrases import plain_name
from service.domain.sql import Schema, ValueMatch
from service.domain.terms import terms
from service.domain.units import unit_text
from service.usecases.read_passages import Evidence, content_terms

if TYPE_CHECKING:
    from service.ports import Vectors

NEAREST_NAMES = 3
BEST_UNITS = 3
LIKELINESS_WEIGHT = 0.25
"""How much the logarithm that a unit answers counts next to its relevance; the router is fitted with it."""
_BOUND = re.compile(
    r"%|\b(?:must|may|never|only|at least|at most|up to|above|below|under|over|within|more than|less than|every|after|"
    r"before|until|not|limit|ahead|later|older|from|per)\b",
    re.I,
)
_NUMBER = re.compile(r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|half|twice)\b", re.I)


@dataclass(frozen=True, slots=True, eq=False)
class SchemaNames:
    """The names of one schema: a phrase each, its vectors, shape (phrases, dimension), and the terms in them."""

    phrases: tuple[str, ...]
    vectors: Vectors
    terms: frozenset[str]


def schema_terms(schema: Schema) -> frozenset[str]:
    """The terms of the names of tables and columns and of what is written about them."""
    texts = [text for table in schema.tables for text in (plain_name(table.name), table.comment)]
    texts += [
        t for table in schema.tables for column in table.columns for t in (plain_name(column.name), column.comment)
    ]
    return frozenset(term for text in texts for term in terms(text))


def weigh_sources(
    question: str,
    query: Vectors,
    evidence: Sequence[Evidence],
    names: SchemaNames | None,
    values: Sequence[ValueMatch] = (),
) -> SourceEvidence:
    """Both sources side by side. evidence is empty where no document is searchable, names None without a schema.

    query is the question's vector, shape (dimension,), of the embedder that made those of the names.
    """
    asked = content_terms(question)
    values = [match for match in values if content_terms(match.words)]
    documents = _weigh_documents(asked, evidence) if evidence else None
    database = _weigh_database(asked, query, names, values) if names and names.phrases else None
    if documents is None or database is None or names is None:
        return SourceEvidence(documents, database)
    written, stored = _passage_terms(_most_relevant(evidence)[0]), _known(names, values)
    return SourceEvidence(
        documents,
        database,
        _share(asked, (term in written and term not in stored for term in asked)),
        _share(asked, (term in stored and term not in written for term in asked)),
        _share(asked, (term not in stored and term not in written for term in asked)),
    )


def _weigh_documents(asked: Sequence[str], evidence: Sequence[Evidence]) -> DocumentEvidence:
    likeliest = _most_relevant(evidence)
    meanings = [item.meaning for item in evidence]
    read = [unit_text(item.passage.chunk, item.unit) for item in likeliest[:BEST_UNITS]]
    written = _passage_terms(likeliest[0])
    return DocumentEvidence(
        meaning=max(meanings),
        trust=max(item.relevance + LIKELINESS_WEIGHT * item.answers for item in evidence),
        margin=max(meanings) - statistics.median(meanings),
        coverage=_share(asked, (term in written for term in asked)),
        rules=_share(read, (bool(_BOUND.search(text) and _NUMBER.search(text)) for text in read)),
        place=_place(likeliest[0]),
    )


def _weigh_database(
    asked: Sequence[str], query: Vectors, names: SchemaNames, values: Sequence[ValueMatch]
) -> DatabaseEvidence:
    cosines = [float(cosine) for cosine in names.vectors @ query]
    ordered = sorted(cosines, reverse=True)
    nearest = ordered[:NEAREST_NAMES]
    return DatabaseEvidence(
        meaning=sum(nearest) / len(nearest),
        margin=ordered[0] - statistics.median(ordered),
        coverage=_share(asked, (term in names.terms for term in asked)),
        values=tuple({match.value.casefold(): match.value for match in values}.values()),
        table=names.phrases[cosines.index(ordered[0])].partition(":")[0],
    )


def _most_relevant(evidence: Sequence[Evidence]) -> list[Evidence]:
    return sorted(evidence, key=lambda item: -item.relevance)


def _passage_terms(item: Evidence) -> set[str]:
    chunk = item.passage.chunk
    return {term for text in (chunk.text, *chunk.headings) for term in terms(text)}


def _known(names: SchemaNames, values: Sequence[ValueMatch]) -> set[str]:
    return {*names.terms, *(term for match in values for term in terms(match.words))}


def _place(item: Evidence) -> str:
    headings = item.passage.chunk.headings
    return f"“{headings[-1]}” of {item.passage.filename}" if headings else item.passage.filename


def _share(of: Sequence[object], held: Iterable[bool]) -> float:
    return sum(held) / len(of) if of else 0.0
