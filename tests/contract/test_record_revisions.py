"""Programs of two versions on the same tables, as during a release and after it was put back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from service.adapters.records import schema
from service.adapters.records.sql import SqlRecordStore
from service.domain.caller import DEFAULT_CALLER
from service.domain.documents import Document
from service.domain.health import HealthStatus
from service.errors import NotConfigured
from tests.contract.records import all_ids, use

pytestmark = pytest.mark.anyio
MIGRATIONS = Path(schema.__file__).parent / "migrations"
HEADER = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, additive = {revision!r}, {before!r}, {additive!r}


def upgrade():
"""
ADDS = """
    op.create_table("notes", sa.Column("id", sa.String, primary_key=True))
    op.add_column("documents", sa.Column("language", sa.String))
    op.add_column("documents", sa.Column("pages_read", sa.Integer, nullable=False, server_default="7"))
    op.add_column("statements", sa.Column("certain", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("documents_by_language", "documents", ["tenant", "language"])
"""
BREAKS = """
    op.drop_column("documents", "parser")
"""
REQUIRES = """
    op.add_column("knowledge_epochs", sa.Column("needed", sa.String))
    with op.batch_alter_table("knowledge_epochs") as table:
        table.alter_column("needed", existing_type=sa.String, nullable=False)
"""
UNIQUE = """
    op.create_index("documents_by_name", "documents", ["tenant", "filename"], unique=True)
"""
Newer = Callable[..., AbstractContextManager[str]]
OpenEngine = Callable[[str], sa.Engine]
MakeDocument = Callable[..., Document]


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Newer:
    """A function that makes this process a newer version of ragsql, whose tables went through more revisions."""

    @contextmanager
    def version(*steps: str) -> Generator[str]:
        folder, head, floor = tmp_path / f"version {len(steps)}", schema.HEAD, schema.COMPATIBLE_FROM
        shutil.copytree(MIGRATIONS, folder, dirs_exist_ok=True)
        for step in steps:
            before, head = head, f"{int(head) + 1:04}"
            floor = floor if step == ADDS else head
            header = HEADER.format(revision=head, before=before, additive=step == ADDS)
            (folder / f"revision_{head}.py").write_text(header + step)
        with monkeypatch.context() as program:
            program.setattr("service.adapters.records.tables._MIGRATIONS", folder)
            program.setattr(schema, "HEAD", head)
            program.setattr(schema, "COMPATIBLE_FROM", floor)
            yield head

    return version


async def old_tables(url: str) -> SqlRecordStore:
    """A program of this version that serves."""
    store = SqlRecordStore(url)
    await store.count_documents(DEFAULT_CALLER)
    return store


async def assert_refused(url: str, revision: str) -> None:
    store = SqlRecordStore(url)
    with pytest.raises(NotConfigured, match=rf"newer version of ragsql \(revision {revision}, this one knows"):
        await store.count_documents(DEFAULT_CALLER)
    with pytest.raises(NotConfigured, match="newer version"):
        store.upgrade()
    assert (await store.check()).status is HealthStatus.NOT_SERVING
    store.close()


async def test_an_older_program_goes_on_with_tables_that_were_added_to(
    new_url: str, newer: Newer, open_engine: OpenEngine, make_document: MakeDocument
) -> None:
    serving = await old_tables(new_url)
    await serving.save_document(DEFAULT_CALLER, make_document("before"))
    with newer(ADDS) as head:
        canary = SqlRecordStore(new_url)
        await canary.save_document(DEFAULT_CALLER, make_document("canary", minutes=1))
        assert canary.upgrade() == (head, head)
    await serving.save_document(DEFAULT_CALLER, make_document("serving", minutes=2))
    started = SqlRecordStore(new_url)
    assert (await started.check()).status is HealthStatus.SERVING
    await use(started)
    await started.save_document(DEFAULT_CALLER, make_document("started", minutes=3))
    assert started.upgrade() == (head, head)
    written = await started.get_document(DEFAULT_CALLER, "canary")
    assert written == make_document("canary", minutes=1)
    for store in (serving, canary, started):
        assert sorted(await all_ids(store, DEFAULT_CALLER)) == ["before", "canary", "serving", "started"]
        store.close()
    with open_engine(new_url).begin() as connection:
        assert connection.execute(sa.text("SELECT DISTINCT language, pages_read FROM documents")).all() == [(None, 7)]
        assert not connection.execute(sa.text("SELECT certain FROM statements")).scalar_one()


async def test_one_file_is_brought_past_a_change_that_breaks_and_refused_by_older_programs(
    sqlite_url: str, newer: Newer
) -> None:
    (await old_tables(sqlite_url)).close()
    with newer(BREAKS) as broken:
        (await old_tables(sqlite_url)).close()
    await assert_refused(sqlite_url, broken)
    with newer(BREAKS, ADDS) as added:
        (await old_tables(sqlite_url)).close()
    await assert_refused(sqlite_url, added)
    with newer(BREAKS):
        store = SqlRecordStore(sqlite_url)
        assert store.upgrade() == (added, added)
        assert await store.count_items(DEFAULT_CALLER) == 0
        store.close()


async def test_a_server_is_brought_past_a_change_that_breaks_only_when_asked(
    postgres_database: str, newer: Newer, make_document: MakeDocument
) -> None:
    serving, revision = await old_tables(postgres_database), schema.HEAD
    with newer(BREAKS) as head:
        canary = SqlRecordStore(postgres_database)
        with pytest.raises(NotConfigured, match=f"before revision {head} cannot use .* `ragsql upgrade-records`"):
            await canary.count_documents(DEFAULT_CALLER)
        assert (await canary.check()).status is HealthStatus.NOT_SERVING
    await serving.save_document(DEFAULT_CALLER, make_document("kept"))
    assert await serving.get_document(DEFAULT_CALLER, "kept") == make_document("kept")
    serving.close()
    with newer(BREAKS):
        assert canary.upgrade() == (revision, head)
        assert await canary.count_documents(DEFAULT_CALLER) == 1
        canary.close()
    await assert_refused(postgres_database, head)


async def test_tables_that_do_not_say_who_can_use_them_are_refused_when_newer(
    new_url: str, newer: Newer, open_engine: OpenEngine
) -> None:
    """As the versions before made them. The next revision says it for them."""
    (await old_tables(new_url)).close()
    engine = open_engine(new_url)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE alembic_version DROP COLUMN compatible_from"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    await assert_refused(new_url, "9999")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :head"), {"head": schema.HEAD})
    (await old_tables(new_url)).close()
    with newer(ADDS):
        (await old_tables(new_url)).close()
    store = await old_tables(new_url)
    await use(store)
    store.close()


def shapes(engine: sa.Engine) -> dict[str, Any]:
    """What a program of today relies on, by table."""
    with engine.connect() as connection:
        return _shapes(sa.inspect(connection))


def _shapes(look: sa.Inspector) -> dict[str, Any]:
    return {
        table: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in look.get_columns(table)
            },
            "keys": look.get_pk_constraint(table)["constrained_columns"],
            "foreign": sorted(str(key["constrained_columns"]) for key in look.get_foreign_keys(table)),
            "unique": [index["name"] for index in look.get_indexes(table) if index["unique"]],
            "constraints": [*look.get_unique_constraints(table), *look.get_check_constraints(table)],
        }
        for table in look.get_table_names()
        if table != "alembic_version"
    }


def only_adds(before: dict[str, Any], after: dict[str, Any]) -> bool:
    for table, shape in before.items():
        now = after.get(table, {"columns": {}})
        columns = now.pop("columns")
        fresh = [column for name, column in columns.items() if name not in shape["columns"]]
        if any(not nullable and default is None for _, nullable, default in fresh):
            return False
        if {**now, "columns": {name: columns.get(name) for name in shape["columns"]}} != shape:
            return False
    return True


@pytest.mark.parametrize("step", [ADDS, BREAKS, REQUIRES, UNIQUE])
def test_what_is_called_additive_is_told_from_what_breaks(
    step: str, new_url: str, newer: Newer, open_engine: OpenEngine
) -> None:
    """Or else the next test would see nothing."""
    SqlRecordStore(new_url).upgrade()
    engine = open_engine(new_url)
    before = shapes(engine)
    with newer(step):
        SqlRecordStore(new_url).upgrade()
    assert only_adds(before, shapes(engine)) == (step == ADDS)


def test_revisions_that_say_that_they_are_additive_are(
    tmp_path: Path, new_url: str, open_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, before = open_engine(new_url), dict[str, Any]()
    if new_url.startswith("sqlite"):
        Path(engine.url.database or "").parent.mkdir()
    with engine.begin() as connection:
        if not new_url.startswith("sqlite"):
            connection.execute(sa.text("CREATE SCHEMA ragsql"))
        connection.execute(sa.text("CREATE TABLE schema_version (version INT)"))
    scripts = ScriptDirectory(str(MIGRATIONS), version_locations=[str(MIGRATIONS)])
    monkeypatch.setattr("service.adapters.records.tables._MIGRATIONS", tmp_path)
    for step in reversed(list(scripts.walk_revisions())):
        shutil.copy(step.path, tmp_path)
        monkeypatch.setattr(schema, "HEAD", step.revision)
        assert SqlRecordStore(new_url).upgrade()[1] == step.revision
        after = shapes(engine)
        assert not step.module.additive or only_adds(before, after)
        before = shapes(engine)


def test_the_schema_says_which_revision_breaks_last() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS), version_locations=[str(MIGRATIONS)])
    breaking = [step.revision for step in scripts.walk_revisions() if not step.module.additive]
    assert max(breaking) == schema.COMPATIBLE_FROM
