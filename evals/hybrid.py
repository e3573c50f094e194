"""Questions that need documents and database together: the sample music store's, and those of other domains.

Either source may have to answer first. Each domain has a server of its own: over its documents and its database of
evals/data/routing with the rows of evals/data/hybrid on top, or over those of evals/data/hybrid alone.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from evals.measures import Outcome, Report, share
from evals.routing_sources import DOCUMENT_SUFFIXES, FOLDER, SAMPLE
from evals.server import served
from ragsql_client import Client
from service.evaluation.asking import ask_all
from service.evaluation.hashing import hash_of
from service.evaluation.questions import EvalQuestion, load

QUESTIONS = Path(__file__).parent / "data" / "hybrid"
READ = ("carshare", "garden", "hotel", "museum", "theatre")
"""Written before anything was tuned for them; what was wrong with their answers was read later."""
HELD_OUT = ("bakery",)
"""Nothing was tuned on these, and what is wrong with their answers is not shown."""


def domains() -> list[str]:
    """The names of the domains that are asked."""
    return sorted(path.stem for path in QUESTIONS.glob("*.jsonl") if "." not in path.stem)


def run(questions: Path) -> Report:
    """Ask them all; questions is a file in the music store's format, of which the hybrid ones are asked too."""
    outcomes: dict[str, Sequence[Outcome]] = {}
    for name in domains():
        asked = load(QUESTIONS / f"{name}.jsonl")
        if name == SAMPLE:
            asked = [question for question in load(questions) if question.route == "hybrid"] + asked
        outcomes[name] = _ask(name, asked)
        _print(outcomes[name])
    own = [item for item in outcomes[SAMPLE] if item.id.startswith(SAMPLE)]
    groups: dict[str, Sequence[Outcome]] = {
        "music store": [item for item in outcomes[SAMPLE] if item not in own],
        "music store, database first": own,
        "other domains": [
            item for name, items in outcomes.items() if name not in (SAMPLE, *READ, *HELD_OUT) for item in items
        ],
        "five more domains": [item for name in READ for item in outcomes[name]],
        "held out": [item for name in HELD_OUT for item in outcomes[name]],
        **{name: outcomes[name] for name in READ},
    }
    measures = [share(f"{name}, right", [item.right for item in items]) for name, items in groups.items()]
    data = b"".join(path.read_bytes() for path in (*sorted(QUESTIONS.iterdir()), questions))
    everything = [item for items in outcomes.values() for item in items]
    return Report("hybrid", measures, outcomes=everything, data=hash_of(data))


def _ask(domain: str, questions: Sequence[EvalQuestion]) -> Sequence[Outcome]:
    with tempfile.TemporaryDirectory(prefix="ragsql-hybrid-") as folder:
        if domain == SAMPLE:
            settings, documents = {"RAGSQL_SAMPLE_DATA": "true"}, []
        else:
            settings, documents = sources_of(domain, Path(folder) / "database.sqlite")
        with served(settings) as url, Client(url, timeout=300, retries=0) as client:
            for path in documents:
                client.upload(path)
            return ask_all(client, "hybrid", questions, "").outcomes


def sources_of(domain: str, database: Path) -> tuple[dict[str, str], list[Path]]:
    """Settings for a server over a domain's database, which is written first, and the domain's documents."""
    folder = FOLDER / domain
    given = folder.is_dir()
    scripts = [folder / "schema.sql"] if given else []
    with closing(sqlite3.connect(database)) as connection:
        for script in (*scripts, QUESTIONS / f"{domain}.sql"):
            connection.executescript(script.read_text())
    documents = sorted(folder.iterdir()) if given else [QUESTIONS / f"{domain}.md"]
    settings = {"RAGSQL_SAMPLE_DATA": "false", "DATABASE_URL": f"sqlite:///{database}"}
    return settings, [path for path in documents if path.suffix in DOCUMENT_SUFFIXES]


def _print(outcomes: Sequence[Outcome]) -> None:
    for item in outcomes:
        if not item.right and not item.id.startswith(HELD_OUT):
            print(
                f"{item.id}: {item.problem}\n  question: {item.question}\n  got: {item.got[:300]!r}\n  sql: {item.sql}"
            )
