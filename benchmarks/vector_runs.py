"""One run of questions over a store: how it was built, how fast it answers and what it finds."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.passages import DEPTH, DIMENSION, WORDS, Asked, Exact, Ids, Passages, best
from service.adapters.vectors.fusion import fuse
from service.domain.caller import DEFAULT_CALLER
from service.domain.documents import Chunk, Document, DocumentState, Span
from service.ports import EmbeddedChunk, VectorStore

TOP, WARM = 10, 10
RRF = 60
PER_DOCUMENT = 1_000
ROOT = Path(__file__).parents[1]
PEERS = ROOT / "build" / "peers"


@dataclass(frozen=True, slots=True)
class Run:
    """built in seconds, memory in MB (0 if it is not known), and for each question, in ms, its time and the CPU time of
    this process with all its threads (the client's alone where a server searches), and what was found.
    """

    built: float
    memory: float
    times: list[float]
    cpu: list[float]
    found: list[list[int]]


@dataclass(frozen=True, slots=True)
class Truth:
    """The best passages of each question by an exact search, fused as ours and as reciprocal ranks."""

    ours: list[set[int]]
    ranks: list[set[int]]


def prepare(passages: Passages, folder: Path) -> Truth:
    """Write all passages to files that every store reads, and find what an exact search finds."""
    vectors = np.lib.format.open_memmap(folder / "vectors.npy", "w+", np.dtype(np.float32), (passages.count, DIMENSION))
    words = np.lib.format.open_memmap(folder / "words.npy", "w+", np.dtype(np.int32), (passages.count, WORDS))
    exact = Exact(passages.questions)
    for block in passages.blocks():
        rows = slice(block.first, block.first + len(block.words))
        vectors[rows], words[rows] = block.vectors, block.words
        exact.add(block)
    vectors.flush()
    words.flush()
    (folder / "questions.json").write_text(json.dumps([asked.text for asked in passages.questions]))
    np.save(folder / "asked.npy", np.stack([asked.vector for asked in passages.questions]))
    ours: list[set[int]] = []
    ranks: list[set[int]] = []
    for place in range(len(passages.questions)):
        near, worded = best(exact.cosines(place), DEPTH), best(bm25 := exact.bm25(place), DEPTH)
        either = np.union1d(near, worded)
        fused = fuse(exact.cosines(place)[either], bm25[either])
        ours.append(set(either[np.argsort(-fused, kind="stable")[:TOP]].tolist()))
        ranks.append(set(_by_ranks(near, worded)))
    return Truth(ours, ranks)


def recall(run: Run, truth: Sequence[set[int]]) -> float:
    """The share of the exact best that was found."""
    right = sum(len(expected.intersection(found)) for found, expected in zip(run.found, truth, strict=True))
    return right / sum(map(len, truth))


def known(run: Run, questions: Sequence[Asked]) -> float:
    """The share of questions whose own passage was found."""
    return sum(asked.passage in found for found, asked in zip(run.found, questions, strict=True)) / len(questions)


def documents(folder: Path) -> Iterator[tuple[Document, list[EmbeddedChunk]]]:
    """The passages of a folder as documents; a chunk's ordinal is the number of its passage."""
    vectors, words = (np.load(folder / name, mmap_mode="r") for name in ("vectors.npy", "words.npy"))
    now = dt.datetime.now(dt.UTC)
    for start in range(0, len(vectors), PER_DOCUMENT):
        chunks: list[EmbeddedChunk] = []
        for number, passage in enumerate(words[start : start + PER_DOCUMENT].tolist(), start):
            text = " ".join(f"w{word:06d}" for word in passage)
            chunk = Chunk(number, text, Span(0, len(text)), units=(Span(0, len(text)),))
            chunks.append(EmbeddedChunk(chunk, np.array(vectors[number])))
        name = f"d{start}"
        yield Document(name, f"{name}.txt", "text/plain", 0, "", DocumentState.ACTIVE, now, now), chunks


async def ask(store: VectorStore, folder: Path, questions: Sequence[Asked], ready: Callable[[], float]) -> Run:
    """Fill a store of ours and ask it everything. ready waits until it is as it stays, and gives its memory in MB."""
    start = time.perf_counter()
    for document, chunks in documents(folder):
        await store.replace(DEFAULT_CALLER, document, chunks)
    return await ask_filled(store, questions, ready, start)


async def ask_filled(store: VectorStore, questions: Sequence[Asked], ready: Callable[[], float], start: float) -> Run:
    """Ask one that is filled, or was since start, everything."""
    await store.search(DEFAULT_CALLER, questions[0].text, questions[0].vector, TOP)
    memory = await asyncio.to_thread(ready)
    built = time.perf_counter() - start
    times: list[float] = []
    cpu: list[float] = []
    found: list[list[int]] = []
    for asked in [*questions[:WARM], *questions]:
        start, begun = time.perf_counter(), time.process_time()
        passages = await store.search(DEFAULT_CALLER, asked.text, asked.vector, TOP)
        times.append((time.perf_counter() - start) * 1e3)
        cpu.append((time.process_time() - begun) * 1e3)
        found.append([passage.chunk.ordinal for passage in passages])
    return Run(built, memory, times[WARM:], cpu[WARM:], found[WARM:])


def ask_peer(name: str, folder: Path) -> Run:
    """A peer in its own environment and process, which is made on the first run."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "--python", sys.executable, str(PEERS)], check=True, cwd=ROOT)
        install = [uv, "pip", "install", "--quiet", "--python", str(python), "--group", "bench"]
        subprocess.run(install, check=True, cwd=ROOT)
    command = [str(python), str(ROOT / "benchmarks" / "vector_peers.py"), str(folder), name]
    quiet = {**os.environ, "LANCE_LOG": "error", "RUST_LOG": "error"}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=quiet)
    return Run(**json.loads(done.stdout.splitlines()[-1]))


def _by_ranks(near: Ids, worded: Ids) -> list[int]:
    scores: dict[int, float] = {}
    for ranking in (near, worded):
        for rank, passage in enumerate(ranking.tolist()):
            scores[passage] = scores.get(passage, 0.0) + 1 / (RRF + rank)
    return sorted(scores, key=lambda passage: -scores[passage])[:TOP]
