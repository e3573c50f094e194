"""What people teach is checked, found by meaning, and never run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service.adapters.caches.memory import MemoryCache
from service.adapters.databases.sqlite import SqliteDatabase
from service.adapters.embedders.cached import CachedEmbedder
from service.adapters.records.sql import SqlRecordStore
from service.domain.caller import Caller
from service.domain.documents import Chunk
from service.domain.health import ComponentHealth, HealthStatus
from service.domain.knowledge import item_of, knowledge_id, record_of
from service.domain.sql import ExampleQuery, KnowledgeItem
from service.errors import InvalidRequest, NotFound, UpstreamUnavailable
from service.ports import EmbeddedChunk
from service.usecases.bundle import ImportedKnowledge
from service.usecases.feedback import ManageFeedback
from service.usecases.knowledge import ManageKnowledge
from service.usecases.retrieve_knowledge import RetrieveKnowledge
from tests.answers.conftest import WordEmbedder
from tests.sql.shop import counts, make_sqlite

if TYPE_CHECKING:
    from service.ports import Vectors

pytestmark = pytest.mark.anyio
CALLER = Caller()
LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
YEAR = KnowledgeItem("", LONG_AGO, documentation="A fiscal year begins in July.")
TABLE = KnowledgeItem("", LONG_AGO, ddl="CREATE TABLE users (id INTEGER PRIMARY KEY)")
EXAMPLE = KnowledgeItem("", LONG_AGO, example=ExampleQuery("How many users are there?", "SELECT COUNT(*) FROM users;"))


class CountingEmbedder(WordEmbedder):
    """Counts what it was given; fails while broken."""

    def __init__(self, model: str = "words", dimension: int = WordEmbedder.dimension) -> None:
        self.model, self.dimension = model, dimension
        self.questions = 0
        self.chunks = 0
        self.broken = False

    async def check(self) -> ComponentHealth:
        return ComponentHealth("embedder", "words", HealthStatus.SERVING)

    async def embed_chunks(self, caller: Caller, chunks: Sequence[Chunk]) -> list[EmbeddedChunk]:
        if self.broken:
            raise UpstreamUnavailable("The embedding model does not answer.")
        self.chunks += len(chunks)
        return await super().embed_chunks(caller, chunks)

    async def embed_query(self, caller: Caller, text: str) -> Vectors:
        self.questions += 1
        return await super().embed_query(caller, text)


@dataclass(frozen=True, slots=True)
class Taught:
    records: SqlRecordStore
    embedder: CountingEmbedder
    use: ManageKnowledge
    path: Path

    def retrieve(self, embedder: CountingEmbedder | None = None) -> RetrieveKnowledge:
        cached = CachedEmbedder(embedder or self.embedder, MemoryCache(10_000_000), 60)
        return RetrieveKnowledge(self.records, cached)


@pytest.fixture
def taught(tmp_path: Path) -> Taught:
    records, embedder = SqlRecordStore(f"sqlite:///{tmp_path}/records.db"), CountingEmbedder()
    path = make_sqlite(tmp_path / "shop.sqlite")
    return Taught(records, embedder, ManageKnowledge(records, embedder, SqliteDatabase(path)), path)


async def test_an_item_gets_an_id_and_a_time_of_its_own(taught: Taught) -> None:
    created = await taught.use.create(CALLER, replace(YEAR, id="mine"))
    assert created.id == knowledge_id(YEAR)
    assert created.id.endswith("-doc")
    assert dt.datetime.now(dt.UTC) - created.create_time < dt.timedelta(minutes=1)
    assert (await taught.use.list(CALLER, 5, "")).items == (created,)
    await taught.use.delete(CALLER, created.id)
    with pytest.raises(NotFound):
        await taught.use.delete(CALLER, created.id)


async def test_the_same_item_twice_is_one_item(taught: Taught) -> None:
    first = await taught.use.create(CALLER, EXAMPLE)
    assert await taught.use.create(CALLER, EXAMPLE) == first
    assert await taught.use.load(CALLER, [EXAMPLE, YEAR, YEAR]) == ImportedKnowledge(created=1, known=2)
    assert await taught.records.count_items(CALLER) == 2


@pytest.mark.parametrize(
    ("item", "field", "said"),
    [
        (KnowledgeItem("", LONG_AGO), "", "exactly one"),
        (KnowledgeItem("", LONG_AGO, ddl="a", documentation="b"), "", "exactly one"),
        (KnowledgeItem("", LONG_AGO, ddl="CREATE TABLE broken ("), ".ddl", "cannot be parsed"),
        (KnowledgeItem("", LONG_AGO, ddl="SELECT 1"), ".ddl", "SELECT 1"),
        (KnowledgeItem("", LONG_AGO, ddl=TABLE.ddl + "; DROP TABLE users"), ".ddl", "DROP TABLE"),
        (KnowledgeItem("", LONG_AGO, ddl=" ; "), ".ddl", "no definition"),
        (replace(EXAMPLE, example=ExampleQuery("q", "SELECT * FROM nowhere")), ".example_query.sql", "nowhere"),
        (replace(EXAMPLE, example=ExampleQuery("q", "SELECT nope FROM users")), ".example_query.sql", "nope"),
        (replace(EXAMPLE, example=ExampleQuery("q", "DELETE FROM users")), ".example_query.sql", "DELETE"),
        (replace(EXAMPLE, example=ExampleQuery("q", "SELECT 1; SELECT 2")), ".example_query.sql", "one statement"),
        (replace(EXAMPLE, example=ExampleQuery("q", "What?")), ".example_query.sql", "WHAT"),
    ],
)
async def test_what_is_wrong_is_told_and_not_kept(taught: Taught, item: KnowledgeItem, field: str, said: str) -> None:
    before = counts(taught.path)
    with pytest.raises(InvalidRequest) as refused:
        await taught.use.create(CALLER, item)
    (violation,) = refused.value.violations
    assert violation.field == f"knowledge_item{field}"
    assert said in violation.description
    assert await taught.records.count_items(CALLER) == 0
    assert counts(taught.path) == before


async def test_without_a_database_sql_is_only_parsed(taught: Taught) -> None:
    use = replace(taught.use, database=None)
    await use.create(CALLER, replace(EXAMPLE, example=ExampleQuery("q", "SELECT a::text FROM elsewhere")))
    with pytest.raises(InvalidRequest):
        await use.create(CALLER, replace(EXAMPLE, example=ExampleQuery("q", "SELECT FROM WHERE")))


async def test_an_import_is_all_or_nothing_and_names_every_problem(taught: Taught) -> None:
    bad = replace(EXAMPLE, example=ExampleQuery("q", "SELECT nope FROM users"))
    with pytest.raises(InvalidRequest) as refused:
        await taught.use.load(CALLER, [YEAR, bad, TABLE, KnowledgeItem("", LONG_AGO, ddl="x")])
    fields = [violation.field for violation in refused.value.violations]
    assert fields == ["knowledge_items[1].example_query.sql", "knowledge_items[3].ddl"]
    taught.embedder.broken = True
    with pytest.raises(UpstreamUnavailable):
        await taught.use.load(CALLER, [YEAR, TABLE])
    assert await taught.records.count_items(CALLER) == 0
    taught.embedder.broken = False
    assert await taught.use.load(CALLER, [YEAR, EXAMPLE, TABLE]) == ImportedKnowledge(created=3, known=0)
    listed = (await taught.use.list(CALLER, 5, "")).items
    assert [replace(item, id="", create_time=LONG_AGO) for item in reversed(listed)] == [YEAR, EXAMPLE, TABLE]


async def test_a_question_costs_one_embedding_and_none_while_nothing_is_taught(taught: Taught) -> None:
    retrieve = taught.retrieve()
    assert await retrieve(CALLER, "When does the fiscal year begin?") == ()
    assert taught.embedder.questions == 0
    year = await taught.use.create(CALLER, YEAR)
    await taught.use.create(CALLER, EXAMPLE)
    assert await retrieve(CALLER, "When does the fiscal year begin?") == (year,)
    assert await retrieve(CALLER, "When does the fiscal year begin?") == (year,)
    assert taught.embedder.questions == 1
    assert await retrieve(Caller("other"), "When does the fiscal year begin?") == ()


@pytest.mark.parametrize("change", [("other words",), ("words", 128)], ids=["model", "dimension"])
async def test_items_are_embedded_again_by_another_model(taught: Taught, change: tuple[str, int]) -> None:
    year = await taught.use.create(CALLER, YEAR)
    other = CountingEmbedder(*change)
    retrieve = taught.retrieve(other)
    assert await retrieve(CALLER, "Which year?") == (year,)
    assert await retrieve(CALLER, "Which fiscal year?") == (year,)
    assert (other.chunks, taught.embedder.chunks) == (1, 1)


async def test_feedback_becomes_an_example_only_when_a_person_promotes_it(taught: Taught) -> None:
    feedback = ManageFeedback(taught.records, taught.use)
    await taught.records.save_answer(CALLER, "a", "How many users are there?")
    given = await feedback.create(CALLER, "a", "BAD", "Wrong.", "SELECT COUNT(*) FROM users")
    assert await taught.records.count_items(CALLER) == 0
    reviewer = Caller(principal="rita")
    (waiting,) = (await feedback.list(reviewer, 5, "", True)).items
    assert (waiting.id, waiting.question) == (given, "How many users are there?")
    promoted = await feedback.promote(reviewer, given)
    assert promoted.promotion is not None
    assert promoted.promotion.principal == "rita"
    (item,) = (await taught.use.list(CALLER, 5, "")).items
    assert item.id == promoted.promotion.item_id
    assert item.example == ExampleQuery("How many users are there?", "SELECT COUNT(*) FROM users")
    again = await feedback.promote(CALLER, given)
    assert again == promoted
    assert await taught.records.count_items(CALLER) == 1
    assert (await feedback.list(reviewer, 5, "", True)).items == ()


@pytest.mark.parametrize(("sql", "said"), [("", "no corrected SQL"), ("DROP TABLE users", "Only SELECT"),
                                           ("SELECT age FROM users", "age")])  # fmt: skip
async def test_what_the_guard_refuses_is_not_promoted(taught: Taught, sql: str, said: str) -> None:
    feedback = ManageFeedback(taught.records, taught.use)
    await taught.records.save_answer(CALLER, "a", "How old?")
    given = await feedback.create(CALLER, "a", "BAD", "", sql)
    with pytest.raises(InvalidRequest, match=said) as refused:
        await feedback.promote(CALLER, given)
    assert [violation.field for violation in refused.value.violations] == ["name"]
    assert await taught.records.count_items(CALLER) == 0
    assert (await taught.records.get_feedback(CALLER, given)).promotion is None
    with pytest.raises(NotFound):
        await feedback.promote(CALLER, "absent")
    with pytest.raises(NotFound):
        await feedback.create(CALLER, "b", "BAD", "", "")


@pytest.mark.parametrize("item", [YEAR, TABLE, EXAMPLE])
def test_a_record_is_the_item(item: KnowledgeItem) -> None:
    record = record_of(item)
    assert item_of(record, LONG_AGO) == replace(item, id=record.id)
    assert list(record.metadata) == [record.namespace]
    with pytest.raises(ValueError, match=record.id):
        item_of(replace(record, metadata={}), LONG_AGO)
