"""Words in chunks: one FTS5 table a tenant, so that neither rows nor word statistics mix."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from service.domain.terms import terms

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from service.adapters.vectors.dense import Ids
    from service.adapters.vectors.fusion import Scores

_BUDGET = 8_000
_BUDGET_SHARE = 0.06  # of many chunks more have even the rare terms
_MAX_TERMS = 32
_DRIFT = 0.1
_LEAST_SHARE = 0.1
_PER_STATEMENT = 500
_K1, _B = 1.2, 0.75


class LexicalIndex:
    """BM25 over stemmed terms. The methods run inside a transaction of the caller."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frequencies: dict[int, tuple[int, dict[str, int]]] = {}

    @staticmethod
    def create(connection: sqlite3.Connection, tenant: int) -> None:
        """Make the tables of a new tenant. Terms arrive clean, so the simplest tokenizer reads them back exactly."""
        connection.execute(f"CREATE VIRTUAL TABLE words_{tenant} USING fts5(terms, tokenize='ascii')")
        connection.execute(f"CREATE VIRTUAL TABLE vocabulary_{tenant} USING fts5vocab(words_{tenant}, 'row')")
        LexicalIndex.create_places(connection, tenant)

    @staticmethod
    def create_places(connection: sqlite3.Connection, tenant: int) -> None:
        """Make the table that tells every place of a term, which files before version 3 do not have."""
        made = f"CREATE VIRTUAL TABLE IF NOT EXISTS places_{tenant}"
        connection.execute(f"{made} USING fts5vocab(words_{tenant}, 'instance')")

    @staticmethod
    def drop(connection: sqlite3.Connection, tenant: int) -> None:
        """Remove the tables of a tenant."""
        connection.execute(f"DROP TABLE places_{tenant}")
        connection.execute(f"DROP TABLE vocabulary_{tenant}")
        connection.execute(f"DROP TABLE words_{tenant}")

    @staticmethod
    def add(connection: sqlite3.Connection, tenant: int, rows: Iterable[tuple[int, str]]) -> None:
        """Index chunk ids with their texts."""
        connection.executemany(
            f"INSERT INTO words_{tenant}(rowid, terms) VALUES (?, ?)",
            ((chunk, " ".join(terms(text))) for chunk, text in rows),
        )

    @staticmethod
    def remove(connection: sqlite3.Connection, tenant: int, first: int, count: int) -> None:
        """Forget the chunks [first, first + count)."""
        connection.execute(f"DELETE FROM words_{tenant} WHERE rowid >= ? AND rowid < ?", (first, first + count))

    def search(
        self,
        connection: sqlite3.Connection,
        tenant: int,
        query: str,
        total: int,
        limit: int,
        ranges: Sequence[tuple[int, int]] = (),
    ) -> list[int]:
        """Chunks that are likely to score best, at most limit, in no order.

        They are of the id ranges [first, last], or of all if there are none. Likely, because not every word of the
        query is looked for, and lengths are not known before scores.
        """
        import numpy as np

        share = min(1.0, sum(last - first + 1 for first, last in ranges) / max(1, total)) if ranges else 1.0
        budget = max(_BUDGET, _BUDGET_SHARE * total)
        kept = self._kept(self._found(connection, tenant, query, total), share, budget)
        ids: list[Ids] = []
        weights: list[Scores] = []
        for term, texts in kept.items():
            chunks, times = _postings(connection, tenant, term)
            ids.append(chunks)
            weights.append((_rarity(texts, total) * times / (times + _K1)).astype(np.float32))
        if not ids:
            return []
        chunks, where = np.unique(np.concatenate(ids), return_inverse=True)
        sums = np.bincount(where, np.concatenate(weights))
        if ranges:
            inside = np.any([(first <= chunks) & (chunks <= last) for first, last in ranges], axis=0)
            chunks, sums = chunks[inside], sums[inside]
        limit = min(limit, len(chunks))
        return chunks[np.argpartition(-sums, limit - 1)[:limit]].tolist() if limit else []

    def scores(
        self, connection: sqlite3.Connection, tenant: int, query: str, total: int, chunks: Sequence[int]
    ) -> list[float]:
        """The BM25 of each of these chunks over every word of the query, 0 where none fits."""
        known = self._found(connection, tenant, query, total)
        if not known:
            return [0.0] * len(chunks)
        count, length = _totals(connection, tenant)
        average = length / max(1, count)
        rarity = {term: _rarity(texts, count) for term, texts in known.items()}
        scores: dict[int, float] = {}
        for start in range(0, len(chunks), _PER_STATEMENT):
            part = chunks[start : start + _PER_STATEMENT]
            marks = ", ".join("?" * len(part))
            for chunk, text in connection.execute(
                f"SELECT id, c0 FROM words_{tenant}_content WHERE id IN ({marks})", part
            ):
                scores[chunk] = _bm25(text, rarity, average)
        return [scores.get(chunk, 0.0) for chunk in chunks]

    @staticmethod
    def _kept(found: Mapping[str, int], share: float, budget: float) -> dict[str, int]:
        """The rarest terms whose postings together stay inside the budget: the others cost most and tell least.

        In a share of the chunks more terms are worth their cost, but the postings of all chunks are read.
        """
        kept: dict[str, int] = {}
        cost = 0.0
        for term in sorted(found, key=lambda term: found[term])[:_MAX_TERMS]:
            cost += found[term] * max(share, _LEAST_SHARE)
            if kept and cost > budget:
                break
            kept[term] = found[term]
        return kept

    def _found(self, connection: sqlite3.Connection, tenant: int, query: str, total: int) -> dict[str, int]:
        """The words of a query that chunks have, with the number of these chunks."""
        known = self._known_frequencies(tenant, total)
        found: dict[str, int] = {}
        for term in dict.fromkeys(terms(query)):
            frequency = known.get(term, 0) or self._frequency(connection, tenant, term)
            if frequency:
                found[term] = known[term] = frequency
        return found

    @staticmethod
    def _frequency(connection: sqlite3.Connection, tenant: int, term: str) -> int:
        row = connection.execute(f"SELECT doc FROM vocabulary_{tenant} WHERE term = ?", (term,)).fetchone()
        return row[0] if row else 0

    def _known_frequencies(self, tenant: int, total: int) -> dict[str, int]:
        """Document frequencies seen so far. They only choose terms, so they may lag behind the index a little."""
        with self._lock:
            counted_at, known = self._frequencies.get(tenant, (-1, {}))
            if abs(total - counted_at) > _DRIFT * total or len(known) > 100_000:
                known = {}
                self._frequencies[tenant] = (total, known)
            return known


def _rarity(texts: int, total: int) -> float:
    return math.log(1 + max(0.0, total - texts + 0.5) / (texts + 0.5))


def _postings(connection: sqlite3.Connection, tenant: int, term: str) -> tuple[Ids, Ids]:
    """The chunks that have a term, ascending, and how often each has it."""
    import numpy as np

    # As one text: a row for each place would cost more than to find them.
    places = f"SELECT group_concat(doc) FROM places_{tenant} WHERE term = ?"
    found = np.fromstring(connection.execute(places, (term,)).fetchone()[0] or "", np.int64, sep=",")
    first = np.flatnonzero(np.diff(found, prepend=-1))
    return found[first], np.diff(first, append=len(found))


def _bm25(text: str, rarity: Mapping[str, float], average: float) -> float:
    norm = _K1 * (1 - _B + _B * (text.count(" ") + 1) / average)
    score = 0.0
    for term, weight in rarity.items():
        if term in text and (times := _times(text, term)):
            score += weight * times * (_K1 + 1) / (times + norm)
    return score


def _times(text: str, term: str) -> int:
    """How often a word occurs in words with one space between them, without taking them apart."""
    padded, word = f" {text} ", f" {term} "
    return text.split(" ").count(term) if f"{word}{term} " in padded else padded.count(word)


def _totals(connection: sqlite3.Connection, tenant: int) -> tuple[int, int]:
    """How many chunks and how many words are indexed, from the record that FTS5 keeps for its own BM25."""
    row = connection.execute(f"SELECT block FROM words_{tenant}_data WHERE id = 1").fetchone()
    values: list[int] = []
    value = 0
    for byte in row[0] if row else b"":
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            values.append(value)
            value = 0
    return (values[0], values[1]) if len(values) > 1 else (0, 0)
