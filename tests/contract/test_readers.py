"""What every reader promises."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from service.adapters.embedders.minilm import MiniLmEmbedder
from service.adapters.readers.minilm import MiniLmReader
from service.domain.caller import DEFAULT_CALLER
from service.domain.documents import Chunk, Passage, Span
from service.domain.health import HealthStatus
from service.models.catalog import MINILM
from service.models.store import ModelStore
from service.ports import Reader

STORE = ModelStore()
needs_minilm = pytest.mark.skipif(not STORE.is_installed(MINILM), reason="run `ragsql models pull` first")
pytestmark = pytest.mark.anyio
QUESTION = "Within how many days can an album be returned?"


def passage(*units: str, headings: tuple[str, ...] = (), dense: float = 0.0) -> Passage:
    text, spans = "", list[Span]()
    for unit in units:
        text += "\n" if text else ""
        spans.append(Span(len(text), len(text) + len(unit)))
        text += unit
    return Passage("d", "f.md", Chunk(0, text, Span(0, len(text)), headings, units=tuple(spans)), 1.0, dense)


PASSAGES = [
    passage("Artists are paid royalties every quarter.", "An album can be returned within 14 days.", "Call us."),
    passage(),
    passage("Plan | Days", "Gold | 5", "Silver | 3", headings=("Support", "Response times")),
]


@pytest.fixture(scope="module")
def minilm() -> MiniLmReader:
    return MiniLmReader(MiniLmEmbedder(STORE.folder(MINILM)))


@pytest.fixture(params=[pytest.param("minilm", marks=needs_minilm)])
def reader(request: pytest.FixtureRequest) -> Reader:
    return request.getfixturevalue(request.param)


async def test_every_unit_has_a_number_and_the_answer_the_highest(reader: Reader) -> None:
    readings = await reader.read(DEFAULT_CALLER, QUESTION, PASSAGES)
    assert [(len(reading.meaning), len(reading.answers)) for reading in readings] == [(3, 3), (0, 0), (3, 3)]
    assert max(number for reading in readings for number in reading.meaning) == readings[0].meaning[1] <= 1
    assert max(number for reading in readings for number in reading.answers) == readings[0].answers[1] <= 0
    assert sum(math.exp(number) for number in readings[0].answers) <= 1 + 1e-6


async def test_a_number_does_not_depend_on_what_else_is_read(reader: Reader) -> None:
    together = await reader.read(DEFAULT_CALLER, QUESTION, PASSAGES)
    await reader.read(DEFAULT_CALLER, "Who pays royalties?", PASSAGES[:1])
    alone = await reader.read(DEFAULT_CALLER, QUESTION, PASSAGES[2:])
    assert alone == together[2:]
    assert await reader.read(DEFAULT_CALLER, QUESTION, []) == []


async def test_headings_and_column_names_count(reader: Reader) -> None:
    plain = passage("Gold | 5")
    named = passage("Plan | Response days", "Gold | 5", headings=("Support",))
    bare, rich = await reader.read(DEFAULT_CALLER, "How many days until support responds?", [plain, named])
    assert rich.meaning[-1] > bare.meaning[-1]


async def test_a_long_passage_is_read_in_parts_each_below_the_headings(reader: Reader) -> None:
    units = [f"Shelf {n} of the archive holds letters that were written in the spring of 18{n}." for n in range(30, 36)]
    short, long = passage(*units, headings=("Archive",)), passage(*units, *units, headings=("Archive",))
    alone, together = await reader.read(DEFAULT_CALLER, "Where are letters from 1833 kept?", [short, long])
    assert together.answers == pytest.approx(alone.answers * 2)


async def test_it_serves(reader: Reader) -> None:
    health = await reader.check()
    assert (health.component, health.status, health.detail) == ("reader", HealthStatus.SERVING, "")


async def test_without_the_model_a_unit_counts_as_much_as_its_passage(tmp_path: Path) -> None:
    reader = MiniLmReader(MiniLmEmbedder(tmp_path))
    readings = await reader.read(DEFAULT_CALLER, QUESTION, [passage("One.", "Two.", dense=0.5), passage("Three.")])
    assert [reading.meaning for reading in readings] == [(0.5, 0.5), (0.0,)]
    assert readings[0].answers[0] == readings[0].answers[1] == readings[1].answers[0] < 0
    health = await reader.check()
    assert health.status is HealthStatus.DEGRADED
    assert "Run `ragsql models pull`" in health.detail


async def test_a_passage_longer_than_the_model_sees_is_read_to_its_end(reader: Reader) -> None:
    filler = [
        f"Shelf {number} holds records of the year {1950 + number}, sorted by their labels." for number in range(60)
    ]
    long = passage(*filler, "An album can be returned within 14 days.", "x" * 4000)
    (reading,) = await reader.read(DEFAULT_CALLER, QUESTION, [long])
    assert len(reading.answers) == 62
    assert max(range(62), key=lambda unit: reading.answers[unit]) == 60
