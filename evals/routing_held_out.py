"""Questions for the router over held-out domains: evals/data/hybrid/DOMAIN.routing.jsonl, and the domain's hybrid ones.

The weights are never fitted on them (evals/train_router.py reads evals/data/routing alone).
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from evals.hybrid import QUESTIONS, sources_of
from evals.routing_sources import Asked, read_questions, sources
from service.app import Assembly

SUFFIX = ".routing.jsonl"


def domains() -> list[str]:
    """The names of the held-out domains that have questions for the router."""
    return sorted(path.name.removesuffix(SUFFIX) for path in QUESTIONS.glob(f"*{SUFFIX}"))


def asked(domain: str) -> list[Asked]:
    """The questions of a domain, of all three routes."""
    files = (f"{domain}{SUFFIX}", f"{domain}.jsonl")
    return [question for file in files for question in read_questions(QUESTIONS / file, domain)]


@asynccontextmanager
async def held_out_sources(domain: str) -> AsyncGenerator[Assembly]:
    """The document and the database of a domain."""
    with tempfile.TemporaryDirectory() as folder:
        settings, documents = sources_of(domain, Path(folder) / "database.sqlite")
        files = [(path.name, path.read_bytes()) for path in documents]
        async with sources(files, settings["DATABASE_URL"]) as assembly:
            yield assembly
