"""An approximate index beside the vectors of a large tenant, so that a search need not visit every row."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.adapters.vectors.dense import DenseView, Ids
    from service.ports import Vectors

log = logging.getLogger("ragsql")

_LINKS = 16
_BUILD_WIDTH = 64
_SEARCH_WIDTH = 512
_ROWS_A_STEP = 4096
_MAX_CHANGED_SHARE = 0.2


class Graph:
    """A navigable graph (HNSW, Malkov and Yashunin, 2018) over the living rows of a view, one byte a dimension.

    It only proposes rows; their cosines are exact. It never changes: chunks that came later are looked at one by one,
    those that are gone are dropped.
    """

    def __init__(self, view: DenseView, closing: threading.Event) -> None:
        import numpy as np
        from usearch.index import Index

        self._index: Any = Index(
            ndim=view.matrix.shape[1],
            metric="cos",
            dtype="i8",
            connectivity=_LINKS,
            expansion_add=_BUILD_WIDTH,
            expansion_search=_SEARCH_WIDTH,
            enable_key_lookups=False,
        )
        self._searching = threading.Lock()
        self._last_chunk = int(view.ids[view.size - 1])
        rows = np.flatnonzero(view.alive)
        for start in range(0, len(rows), _ROWS_A_STEP):
            if closing.is_set():
                break
            step = rows[start : start + _ROWS_A_STEP]
            self._index.add(view.ids[step].astype(np.uint64), view.matrix[step], threads=1)

    def nearest(self, view: DenseView, vector: Vectors, depth: int) -> Ids | None:
        """About the living rows of a view that are nearest to a unit vector, depth at most, in no order.

        None when so many of what the graph finds is gone that only looking at every row tells.
        """
        import numpy as np

        with self._searching:
            found = self._index.search(vector, max(_SEARCH_WIDTH, 2 * depth), threads=1).keys
        rows, there = view.rows_of(found.astype(np.int64))
        border = self._border(view)
        if int(there.sum()) < min(depth, int(view.alive[:border].sum())):
            return None
        rows = np.concatenate([rows[there], view.nearest(vector, depth, [range(border, view.size)])])
        return rows[np.argsort(-view.cosines(rows, vector), kind="stable")[:depth]]

    @property
    def memory_bytes(self) -> int:
        """What it takes beside the vectors of the view."""
        return self._index.memory_usage

    def is_stale(self, view: DenseView) -> bool:
        """Whether so much has come or gone that a new graph is worth its making."""
        border = self._border(view)
        gone = len(self._index) - int(view.alive[:border].sum())
        return view.size - border + gone > _MAX_CHANGED_SHARE * len(self._index)

    def _border(self, view: DenseView) -> int:
        """The first row of a view that came after this graph."""
        import numpy as np

        return int(np.searchsorted(view.ids[: view.size], self._last_chunk, side="right"))


class Graphs:
    """The graphs of the tenants with more than exact_up_to chunks, each made in a thread of its own, one at a time.

    Search is exact until a graph is there, and where one cannot be made.
    """

    def __init__(self, exact_up_to: int) -> None:
        self._exact_up_to = exact_up_to
        self._made: dict[str, Graph] = {}
        self._being_made: set[str] = set()
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._closing = threading.Event()

    def nearest(self, tenant: str, view: DenseView, vector: Vectors, depth: int) -> Ids:
        """The living rows nearest to a unit vector, depth at most, in no order."""
        graph = self._find(tenant, view)
        found = graph.nearest(view, vector, depth) if graph else None
        return view.nearest(vector, depth, view.parts(())) if found is None else found

    def forget(self, tenant: str) -> None:
        """Drop a tenant's graph."""
        with self._lock:
            self._made.pop(tenant, None)

    def close(self) -> None:
        """Stop making the graphs that are being made."""
        self._closing.set()
        self._closing = threading.Event()

    def _find(self, tenant: str, view: DenseView) -> Graph | None:
        if int(view.alive.sum()) <= self._exact_up_to:
            self.forget(tenant)
            return None
        with self._lock:
            graph = self._made.get(tenant)
            if tenant not in self._being_made and (graph is None or graph.is_stale(view)):
                self._being_made.add(tenant)
                threading.Thread(
                    target=self._make, args=(tenant, view, self._closing), name="graph", daemon=True
                ).start()
            return graph

    def _make(self, tenant: str, view: DenseView, closing: threading.Event) -> None:
        try:
            with self._making:
                graph = Graph(view, closing)
        except Exception:
            log.exception("The approximate index of a tenant cannot be made; its searches stay exact and slow.")
            return
        with self._lock:
            self._being_made.remove(tenant)
            if not closing.is_set():
                self._made[tenant] = graph
