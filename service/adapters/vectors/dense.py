"""Chunk vectors in memory, one immutable view for each state of a tenant's index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.adapters.vectors.coarse import no_rows

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from service.adapters.vectors.coarse import Coarse
    from service.ports import Vectors

    Ids = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]

_MIN_ROWS = 256
_COARSE_FROM = 16_384
_BLOCK = 64
_MAX_DEAD_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the chunks of one document are: rows [start, start + count), ids from first_chunk on."""

    document_id: str
    first_chunk: int
    start: int
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class DenseView:
    """The vectors of one tenant at one epoch.

    matrix has shape (capacity, dimension) and ids (capacity,); only the first size rows belong to this view, later
    ones to its successors, which share the buffers. ids ascend. alive is False where a document was removed. coarse is
    there when there are many rows.
    """

    epoch: int
    matrix: Vectors
    ids: Ids
    size: int
    alive: Mask
    placed: Mapping[int, Placed]
    by_document: Mapping[str, int]
    coarse: Coarse | None = None

    def parts(self, documents: Sequence[str]) -> list[range]:
        """The rows of those of these documents that are here, or all rows if documents is empty."""
        if not documents:
            return [range(self.size)]
        keys = (self.by_document[document] for document in dict.fromkeys(documents) if document in self.by_document)
        places = (self.placed[key] for key in keys)
        return [range(place.start, place.start + place.count) for place in places if place.count]

    def cosines(self, rows: slice | Ids, vector: Vectors) -> Vectors:
        """The exact cosine of each of these rows with a unit vector."""
        import numpy as np

        # Not a matrix product: that one starts threads, which cost more than they bring on busy cores.
        return np.vecdot(self.matrix[rows], vector)

    def nearest(self, vector: Vectors, depth: int, parts: Sequence[range]) -> Ids:
        """The living rows in these parts that are nearest to a unit vector, exactly; depth at most, in no order."""
        import numpy as np

        if self.coarse and len(parts) == 1 and len(parts[0]) == self.size:
            rows = self._promising(self.coarse, vector, depth)
            cosines = self.cosines(rows, vector)
        else:
            rows = np.concatenate([np.arange(part.start, part.stop) for part in parts])
            cosines = np.concatenate([self.cosines(slice(part.start, part.stop), vector) for part in parts])
            living = self.alive[rows]
            rows, cosines = rows[living], cosines[living]
        return rows[np.argpartition(-cosines, depth - 1)[:depth]] if depth < len(rows) else rows

    def _promising(self, coarse: Coarse, vector: Vectors, depth: int) -> Ids:
        """The living rows that may be among the depth nearest: their most is not below the least of so many others."""
        import numpy as np

        least, most = coarse.bounds(self.size, vector)
        if not self.alive.all():
            least[~self.alive] = -np.inf
        # The best of so many blocks are so many others; to find them takes a tenth of the time.
        blocks = least[: self.size - self.size % _BLOCK].reshape(-1, _BLOCK).max(axis=1)
        if depth > len(blocks):
            return np.flatnonzero(self.alive)
        border = np.partition(blocks, -depth)[-depth]
        return np.flatnonzero((most >= border) & self.alive)

    def rows_of(self, chunk_ids: Ids) -> tuple[Ids, Mask]:
        """The row of each chunk id, and whether it really is there."""
        import numpy as np

        ids = self.ids[: self.size]
        rows = np.searchsorted(ids, chunk_ids)
        rows[rows == self.size] = 0
        there = (ids[rows] == chunk_ids) & self.alive[rows] if self.size else np.zeros(len(chunk_ids), np.bool_)
        return rows, there


def empty_view(dimension: int) -> DenseView:
    """Before the first epoch."""
    import numpy as np

    no_rows = np.zeros((0, dimension), np.float32)
    return DenseView(-1, no_rows, np.zeros(0, np.int64), 0, np.zeros(0, np.bool_), {}, {})


def advance(view: DenseView, connection: sqlite3.Connection, tenant: int, epoch: int) -> DenseView:
    """The view of the state that the connection's transaction sees, reading only documents that are new to it."""
    here = {row[0] for row in connection.execute("SELECT id FROM documents WHERE tenant = ?", (tenant,))}
    gone = view.placed.keys() - here
    dead = view.size - int(view.alive.sum()) + sum(view.placed[key].count for key in gone)
    if dead > _MAX_DEAD_SHARE * view.size:
        view = empty_view(view.matrix.shape[1])
        gone = set[int]()
    return _extended(view, connection, sorted(here - view.placed.keys()), gone, epoch)


def _extended(
    view: DenseView, connection: sqlite3.Connection, added: Sequence[int], gone: set[int], epoch: int
) -> DenseView:
    import numpy as np

    counts = "SELECT document_id, first_chunk, chunk_count FROM documents WHERE id = ?"
    placed = {key: place for key, place in view.placed.items() if key not in gone}
    size = view.size
    for key in added:
        document_id, first_chunk, count = connection.execute(counts, (key,)).fetchone()
        placed[key] = Placed(document_id, first_chunk, size, count)
        size += count
    matrix, ids = _buffers(view, size)
    coarse = _coarse_buffers(view, len(ids)) if size >= _COARSE_FROM else None
    alive = np.ones(size, np.bool_)
    alive[: view.size] = view.alive
    for key in gone:
        place = view.placed[key]
        alive[place.start : place.start + place.count] = False
    for key in added:
        place = placed[key]
        rows = slice(place.start, place.start + place.count)
        blob = connection.execute("SELECT vectors FROM documents WHERE id = ?", (key,)).fetchone()[0]
        matrix[rows] = np.frombuffer(blob, np.float32).reshape(-1, matrix.shape[1])
        ids[rows] = np.arange(place.first_chunk, place.first_chunk + place.count)
    if coarse:
        coarse.add(matrix, view.size if view.coarse else 0, size)
    by_document = {place.document_id: key for key, place in placed.items()}
    return DenseView(epoch, matrix, ids, size, alive, placed, by_document, coarse)


def _buffers(view: DenseView, size: int) -> tuple[Vectors, Ids]:
    """The view's own buffers while they have room: rows beyond its size are invisible to it. Else larger copies."""
    import numpy as np

    if size <= len(view.ids):
        return view.matrix, view.ids
    capacity = max(_MIN_ROWS, size + size // 8)
    matrix = np.zeros((capacity, view.matrix.shape[1]), np.float32)
    ids = np.zeros(capacity, np.int64)
    matrix[: view.size] = view.matrix[: view.size]
    ids[: view.size] = view.ids[: view.size]
    return matrix, ids


def _coarse_buffers(view: DenseView, capacity: int) -> Coarse:
    """Likewise."""
    old = view.coarse
    if old and len(old.step) == capacity:
        return old
    new = no_rows(view.matrix.shape[1], capacity)
    if old:
        size = view.size
        new.levels[:size], new.step[:size], new.error[:size] = old.levels[:size], old.step[:size], old.error[:size]
    return new
