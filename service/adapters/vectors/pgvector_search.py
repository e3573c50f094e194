"""The statement that searches: nearest chunks, chunks with the words, BM25 and cosine of both, fused, best first."""

from __future__ import annotations

import math
from functools import cache
from itertools import accumulate, pairwise

from service.adapters.vectors.fusion import DENSE_WEIGHT
from service.adapters.vectors.pgvector_rows import MAX_TIMES

EXACT_UP_TO = 10_000

# Statistics are the tenant's own. As in lexical.py, the rarest words whose chunks together stay inside a budget are
# looked for; which of the chunks that have them come in question is decided by the sum of their rarities, and BM25 by
# how often every word of the question occurs (k1 1.2, b 0.75). Fusion is that of fusion.py: standard deviations,
# weighted, 0 to 1. How often a word occurs is told by the rank of a query of this word alone, see occurrence_ranks:
# taking every row's words apart would cost more than all else.
_STATEMENT = """
WITH tenant AS (
    SELECT id, chunks, greatest(length, 1)::float8 / greatest(chunks, 1) AS average
    FROM ragsql.passage_tenants WHERE name = %(name)s
), rarest AS MATERIALIZED (
    SELECT w.term, sum(w.chunks) OVER cheap AS cost, row_number() OVER cheap AS place,
        ('''' || w.term || '''')::tsquery AS query,
        ln(1 + (t.chunks - w.chunks + 0.5)::float8 / (w.chunks + 0.5)::float8) AS rarity
    FROM ragsql.passage_terms w, tenant t
    WHERE w.tenant = t.id AND w.chunks > 0
        AND w.term = ANY (ARRAY(SELECT t.id || ':' || word FROM tenant t, unnest(%(terms)s::text[]) word))
    WINDOW cheap AS (ORDER BY w.chunks, w.term)
), kept AS MATERIALIZED (
    SELECT r.term, r.query, r.rarity
    FROM rarest r WHERE r.place = 1 OR (r.place <= 32 AND r.cost <= 4000)
), worded AS (
    SELECT p.id, (SELECT sum(k.rarity) FROM kept k WHERE p.words @@ k.query) AS rarity
    FROM ragsql.passages p
    WHERE p.words @@ (SELECT string_agg('''' || term || '''', ' | ')::tsquery FROM kept) {within}
    ORDER BY rarity DESC, p.id LIMIT 2 * %(depth)s
), nearest AS MATERIALIZED (
    SELECT p.id FROM ragsql.passages p
    WHERE p.tenant = (SELECT id FROM tenant) {within}
    ORDER BY {distance} LIMIT %(depth)s
), scored AS MATERIALIZED (
    SELECT p.id, 1 - (p.embedding <=> %(vector)s::vector) AS dense, coalesce((
        SELECT sum(k.rarity * 2.2 / (1 + 1.2 * (0.25 + 0.75 * p.length / t.average)
            / width_bucket(ts_rank('{{1, 1, 1, 1}}', p.words, k.query)::float8, %(ranks)b::float8[])))
        FROM rarest k WHERE p.words @@ k.query
    ), 0) AS lexical
    FROM ragsql.passages p, tenant t WHERE p.id IN (SELECT id FROM worded UNION SELECT id FROM nearest)
), chosen AS MATERIALIZED (
    SELECT id, dense, lexical FROM (SELECT *, rank() OVER (ORDER BY lexical DESC) AS place FROM scored) s
    WHERE (s.place <= %(depth)s AND s.lexical > 0) OR s.id IN (SELECT id FROM nearest)
), fused AS MATERIALIZED (
    SELECT *, {weight} * {standard_dense} + (1 - {weight}) * {standard_lexical} AS sum
    FROM chosen WINDOW w AS ()
), best AS (
    SELECT *, CASE WHEN max(sum) OVER w > min(sum) OVER w
        THEN (sum - min(sum) OVER w) / (max(sum) OVER w - min(sum) OVER w) ELSE 1 END AS score
    FROM fused WINDOW w AS () ORDER BY sum DESC, id LIMIT %(limit)s
)
SELECT p.document, d.filename, p.payload, b.score, b.dense, b.lexical, t.chunks
FROM tenant t, best b JOIN ragsql.passages p USING (id)
    JOIN ragsql.passage_documents d ON (d.tenant, d.id) = (p.tenant, p.document)
ORDER BY b.sum DESC, b.id
"""
_STANDARD = "CASE WHEN stddev_pop({0}) OVER w > 1e-9 THEN ({0} - avg({0}) OVER w) / stddev_pop({0}) OVER w ELSE 0 END"
_EXACT = "(p.embedding <=> %(vector)s::vector) + 0"  # the sum keeps the approximate index out of it
_APPROXIMATE = "p.embedding <=> %(vector)s::vector"


def search_statement(*, exact: bool, some_documents: bool) -> str:
    """SQL with the parameters name, terms, vector, documents, depth, limit and ranks.

    Rows are document id, file name, payload, score 0 to 1, cosine, BM25, and the tenant's number of chunks.
    """
    return _STATEMENT.format(
        within="AND p.tenant = (SELECT id FROM tenant) AND p.document = ANY(%(documents)s)" if some_documents else "",
        distance=_EXACT if exact else _APPROXIMATE,
        weight=DENSE_WEIGHT,
        standard_dense=_STANDARD.format("dense"),
        standard_lexical=_STANDARD.format("lexical"),
    )


@cache
def occurrence_ranks() -> list[float]:
    """What ts_rank gives at least for a word of weight 1 that occurs once, twice, and so on.

    The rank for n times is the sum of 1 / i² up to n, divided by its limit.
    """
    ranks = accumulate((6 / (math.pi * times) ** 2 for times in range(1, MAX_TIMES + 1)), initial=0.0)
    return [(fewer + more) / 2 for fewer, more in pairwise(ranks)]
