"""Words in chunks: one FTS5 table a tenant, so that neither rows nor word statistics mix."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from service.domain.terms import terms

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

_MATCH_BUDGET = 4_000
_MAX_TERMS = 32
_DRIFT = 0.1


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

    @staticmethod
    def drop(connection: sqlite3.Connection, tenant: int) -> None:
        """Remove the tables of a tenant."""
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
        self, connection: sqlite3.Connection, tenant: int, query: str, total: int, limit: int
    ) -> list[tuple[int, float]]:
        """The best chunks as (id, BM25 above 0), best first, of the tenant's total chunks."""
        match = self._match(connection, tenant, query, total)
        if not match:
            return []
        rows = connection.execute(
            f"SELECT rowid, rank FROM words_{tenant} WHERE words_{tenant} MATCH ? ORDER BY rank LIMIT ?",
            (match, limit),
        )
        return [(chunk, -rank) for chunk, rank in rows]

    def search_within(
        self, connection: sqlite3.Connection, tenant: int, query: str, total: int, ranges: Sequence[tuple[int, int]]
    ) -> list[tuple[int, float]]:
        """Every fitting chunk of the id ranges [first, last] as (id, BM25 above 0), in order of id."""
        first, last = min(start for start, _ in ranges), max(end for _, end in ranges)
        share = min(1.0, (last - first + 1) / max(1, total))
        match = self._match(connection, tenant, query, total, share)
        if not match:
            return []
        rows = connection.execute(
            f"SELECT rowid, rank FROM words_{tenant} WHERE words_{tenant} MATCH ? AND rowid BETWEEN ? AND ?",
            (match, first, last),
        )
        return [(chunk, -rank) for chunk, rank in rows]

    def _match(self, connection: sqlite3.Connection, tenant: int, query: str, total: int, share: float = 1.0) -> str:
        """The rarest terms whose postings together stay inside the budget: the others cost most and tell least."""
        known = self._known_frequencies(tenant, total)
        found: dict[str, int] = {}
        for term in dict.fromkeys(terms(query)):
            frequency = known.get(term, 0) or self._frequency(connection, tenant, term)
            if frequency:
                found[term] = known[term] = frequency
        kept: list[str] = []
        cost = 0.0
        for term in sorted(found, key=lambda term: found[term])[:_MAX_TERMS]:
            cost += found[term] * share
            if kept and cost > _MATCH_BUDGET:
                break
            kept.append(term)
        return " OR ".join(f'"{term}"' for term in kept)

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
