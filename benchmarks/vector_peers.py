"""LanceDB and Chroma over the passages of a folder. Runs in an environment of its own: see bench_vectors.py.

`python vector_peers.py FOLDER NAME`: FOLDER holds vectors.npy, words.npy and questions.json; prints one JSON object.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

TOP, DEPTH, BATCH, WARM = 10, 100, 5_000, 10
RRF = 60
Search = Callable[[str, list[str], Any], list[int]]


def main() -> None:
    """Build, ask every question, and say how long it took and what was found."""
    folder, name = Path(sys.argv[1]), sys.argv[2]
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    words = np.load(folder / "words.npy", mmap_mode="r")
    questions = json.loads((folder / "questions.json").read_text())
    asked = np.load(folder / "asked.npy")
    start = time.perf_counter()
    search = {"lancedb": lancedb, "lancedb-hnsw": lancedb_hnsw, "chroma": chroma}[name](folder, vectors, words)
    built = time.perf_counter() - start
    for question, vector in zip(questions[:WARM], asked, strict=False):
        search(question, question.split(), vector)
    times: list[float] = []
    cpu: list[float] = []
    found: list[list[int]] = []
    for question, vector in zip(questions, asked, strict=True):
        start, begun = time.perf_counter(), time.process_time()
        found.append(search(question, question.split(), vector)[:TOP])
        times.append((time.perf_counter() - start) * 1e3)
        cpu.append((time.process_time() - begun) * 1e3)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(json.dumps({"built": built, "memory": memory, "times": times, "cpu": cpu, "found": found}))


def lancedb(folder: Path, vectors: Any, words: Any) -> Search:
    """Hybrid search as LanceDB has it, vectors without an index: exact."""
    return _lancedb(folder / "lancedb", vectors, words, "")


def lancedb_hnsw(folder: Path, vectors: Any, words: Any) -> Search:
    """Hybrid search as LanceDB has it, with its HNSW index."""
    return _lancedb(folder / "lancedb-hnsw", vectors, words, "IVF_HNSW_SQ")


def _lancedb(folder: Path, vectors: Any, words: Any, index: str) -> Search:
    sdk: Any = importlib.import_module("lancedb")
    pa: Any = importlib.import_module("pyarrow")
    dimension = vectors.shape[1]
    schema = pa.schema([("id", pa.int64()), ("text", pa.string()), ("vector", pa.list_(pa.float32(), dimension))])
    table = sdk.connect(folder).create_table("passages", schema=schema)
    for start in range(0, len(vectors), BATCH):
        part = np.ascontiguousarray(vectors[start : start + BATCH])
        flat = pa.FixedSizeListArray.from_arrays(pa.array(part.reshape(-1)), dimension)
        ids = pa.array(range(start, start + len(part)), pa.int64())
        table.add(pa.table([ids, pa.array(_texts(words[start : start + BATCH])), flat], schema=schema))
    table.create_fts_index("text", use_tantivy=False, with_position=False, stem=False, remove_stop_words=False)
    if index:
        table.create_index(metric="cosine", index_type=index, vector_column_name="vector")

    def search(question: str, _: list[str], vector: Any) -> list[int]:
        query = table.search(query_type="hybrid", vector_column_name="vector", fts_columns="text")
        query = query.vector(vector).text(question).distance_type("cosine").limit(DEPTH).select(["id"])
        return [int(row) for row in query.to_arrow()["id"].to_pylist()[:TOP]]

    return search


def chroma(folder: Path, vectors: Any, words: Any) -> Search:
    """Chroma has no lexical scores offline: nearest of all and nearest of those that contain a word, fused by ranks."""
    sdk: Any = importlib.import_module("chromadb")
    client = sdk.PersistentClient(str(folder / "chroma"))
    collection = client.create_collection("passages", configuration={"hnsw": {"space": "cosine", "ef_search": 200}})
    for start in range(0, len(vectors), BATCH):
        part = np.ascontiguousarray(vectors[start : start + BATCH])
        ids = [str(number) for number in range(start, start + len(part))]
        collection.add(ids=ids, embeddings=part, documents=_texts(words[start : start + BATCH]))

    def search(_: str, asked: list[str], vector: Any) -> list[int]:
        rarest = sorted(asked)[-1]  # words are named by their rank
        query: dict[str, Any] = {"query_embeddings": [vector], "include": ["distances"]}
        near: list[str] = collection.query(n_results=DEPTH, **query)["ids"][0]
        worded: list[str] = collection.query(n_results=DEPTH, where_document={"$contains": rarest}, **query)["ids"][0]
        scores: dict[str, float] = {}
        for ranking in (near, worded):
            for rank, name in enumerate(ranking):
                scores[name] = scores.get(name, 0.0) + 1 / (RRF + rank)
        return [int(name) for name in sorted(scores, key=lambda name: -scores[name])[:TOP]]

    return search


def _texts(words: Any) -> list[str]:
    return [" ".join(f"w{word:06d}" for word in passage) for passage in words.tolist()]


if __name__ == "__main__":
    main()
