"""What Pinecone's data plane does with an index, as far as this service uses it. Reads lag behind writes."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt

Json = dict[str, Any]
Matrix = npt.NDArray[np.float64]
_METADATA_BYTES, _UPSERTS, _IDS = 40_960, 1_000, 1_000


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Index:
    """An index. Each change is seen by reads when delay seconds have gone by."""

    def __init__(self, dimension: int, metric: str = "cosine") -> None:
        self.dimension = dimension
        self.metric = metric
        self.delay = 0.0
        self.fullness = 0.0
        self._seen: dict[str, dict[str, Json]] = {}
        self._matrices: dict[str, tuple[list[Json], Matrix]] = {}
        self._coming: list[tuple[float, Callable[[], object]]] = []

    def change(self, act: Callable[[], object]) -> None:
        self._coming.append((time.monotonic() + self.delay, act))

    def namespaces(self) -> dict[str, dict[str, Json]]:
        while self._coming and self._coming[0][0] <= time.monotonic():
            self._coming.pop(0)[1]()
        return self._seen

    def namespace(self, name: str) -> dict[str, Json]:
        return self.namespaces().get(name, {})

    def table(self, name: str) -> tuple[list[Json], Matrix]:
        """The records of a namespace and their vectors at unit length."""
        records = list(self.namespace(name).values())
        if name not in self._matrices:
            matrix = np.array([record["values"] for record in records]).reshape(-1, self.dimension)
            self._matrices[name] = (records, matrix / np.linalg.norm(matrix, axis=1, keepdims=True))
        return self._matrices[name]

    def put(self, name: str, records: list[Json]) -> None:
        self._matrices.pop(name, None)
        self._seen.setdefault(name, {}).update({record["id"]: record for record in records})

    def forget(self, name: str) -> Json:
        if name not in self.namespaces():
            raise Refused(404, "Namespace not found")
        self.change(lambda: (self._matrices.pop(name, None), self._seen.pop(name, None)))
        return {}

    def drop(self, name: str, ids: list[str]) -> None:
        self._matrices.pop(name, None)
        for identifier in ids:
            self._seen.get(name, {}).pop(identifier, None)


def _upsert(index: Index, body: Json) -> Json:
    records: list[Json] = body["vectors"]
    if not 0 < len(records) <= _UPSERTS:
        raise Refused(400, f"{len(records)} records")
    for record in records:
        _check(index, record)
    index.change(lambda: index.put(body["namespace"], records))
    return {"upsertedCount": len(records)}


def _check(index: Index, record: Json) -> None:
    values, metadata = record["values"], record.get("metadata", {})
    if set(record) - {"id", "values", "metadata"} or not record["id"].isascii() or not 0 < len(record["id"]) <= 512:
        raise Refused(400, f"bad record {record['id']}")
    if len(values) != index.dimension or not any(values):
        raise Refused(400, f"Vector dimension {len(values)} does not match the dimension of the index")
    if len(json.dumps(metadata, ensure_ascii=False).encode()) > _METADATA_BYTES:
        raise Refused(400, "Metadata size exceeds the limit of 40960 bytes per vector")
    for value in metadata.values():
        listed = isinstance(value, list) and value and all(isinstance(item, str) for item in value)  # pyright: ignore
        if not listed and not isinstance(value, (str, int, float, bool)):
            raise Refused(400, f"Metadata value must be a string, number, boolean or list of strings: {value}")


def _query(index: Index, body: Json) -> Json:
    if len(body["vector"]) != index.dimension:
        raise Refused(400, "Query vector dimension mismatch")
    if not 0 < body["topK"] <= 10_000:
        raise Refused(400, "topK")
    records, matrix = index.table(body["namespace"])
    condition = body.get("filter")
    rows = [at for at, record in enumerate(records) if condition is None or _fits(condition, record["metadata"])]
    records, matrix = [records[at] for at in rows], matrix[rows]
    scores = matrix @ np.array(body["vector"]) / math.hypot(*body["vector"])
    best = np.argsort(-scores, kind="stable")[: body["topK"]]
    kept = ["id", "metadata"] if body["includeMetadata"] else ["id"]
    matches: list[Json] = [{key: records[at][key] for key in kept} | {"score": float(scores[at])} for at in best]
    return {"matches": matches, "namespace": body["namespace"], "usage": {"readUnits": 1}}


def _fits(condition: Json, metadata: Json) -> bool:
    return all(_fits_one(key, wanted, metadata) for key, wanted in condition.items())


def _fits_one(key: str, wanted: Any, metadata: Json) -> bool:
    value = metadata.get(key)
    values = cast("list[Any]", value if isinstance(value, list) else [value])
    if not isinstance(wanted, dict):
        return wanted in values
    tests: dict[str, Callable[[Any], bool]] = {
        "$in": lambda given: any(one in given for one in values),
        "$nin": lambda given: not any(one in given for one in values),
        "$gte": lambda given: isinstance(value, (int, float)) and value >= given,
        "$lt": lambda given: isinstance(value, (int, float)) and value < given,
    }
    operators = cast(Json, wanted)
    if not operators or set(operators) - set(tests):
        raise Refused(400, f"unknown operator in {operators}")
    return all(tests[operator](given) for operator, given in operators.items())


def _fetch(index: Index, body: Json) -> Json:
    there, ids = index.namespace(body["namespace"]), body["ids"]
    if len(ids) > _IDS:
        raise Refused(400, "too many ids")
    return {"vectors": {name: there[name] for name in ids if name in there}, "namespace": body["namespace"]}


def _list(index: Index, body: Json) -> Json:
    ids = sorted(name for name in index.namespace(body["namespace"]) if name.startswith(body["prefix"]))
    start, limit = int(body.get("paginationToken", 0)), int(body["limit"])
    if not 0 < limit <= 100:
        raise Refused(400, "limit")
    page: Json = {"vectors": [{"id": name} for name in ids[start : start + limit]], "namespace": body["namespace"]}
    return page | ({"pagination": {"next": str(start + limit)}} if start + limit < len(ids) else {})


def _delete(index: Index, body: Json) -> Json:
    if body["namespace"] not in index.namespaces():
        raise Refused(404, "Namespace not found")
    if not 0 < len(body["ids"]) <= _IDS:
        raise Refused(400, "ids")
    index.change(lambda: index.drop(body["namespace"], body["ids"]))
    return {}


def _stats(index: Index, body: Json) -> Json:
    counts = {name: {"vectorCount": len(records)} for name, records in index.namespaces().items()}
    return {"namespaces": counts, "dimension": index.dimension, "indexFullness": index.fullness, "totalVectorCount": 0}


ACTS: dict[str, tuple[set[str], Callable[[Index, Json], Json]]] = {
    "vectors/upsert": ({"vectors", "namespace"}, _upsert),
    "query": ({"vector", "topK", "namespace", "filter", "includeValues", "includeMetadata"}, _query),
    "vectors/fetch": ({"ids", "namespace"}, _fetch),
    "vectors/list": ({"prefix", "limit", "paginationToken", "namespace"}, _list),
    "vectors/delete": ({"ids", "namespace"}, _delete),
    "describe_index_stats": (set(), _stats),
}
