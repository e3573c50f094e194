"""The tables of records: made on first use, and brought up to date from every version there was."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from service.adapters.records import schema
from service.adapters.records.sql import SqlRecordStore
from service.domain.caller import DEFAULT_CALLER, Caller
from service.domain.documents import Document
from service.domain.health import HealthStatus
from service.ports import Page
from tests.contract.records import all_ids, use

pytestmark = pytest.mark.anyio
MakeDocument = Callable[..., Document]
OLD = sorted((Path(__file__).parent / "old_records").glob("*.sql"))
MIGRATIONS = Path(schema.__file__).parent / "migrations"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "new folder").mkdir()
    return tmp_path / "new folder" / "records.db"


def differences(engine: sa.Engine) -> list[Any]:
    """How the tables that are there are not those of the schema."""
    with engine.begin() as connection:
        found = compare_metadata(MigrationContext.configure(connection), schema.metadata)
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == schema.HEAD
    return list(found)


def test_many_begin_on_one_new_store(new_url: str, make_document: MakeDocument) -> None:
    """Each thread has a store of its own, as each process would."""

    def work(i: int) -> Page[Document]:
        store = SqlRecordStore(new_url)
        asyncio.run(store.save_document(Caller(), make_document(str(i))))
        page = asyncio.run(store.list_documents(Caller(), 10, ""))
        store.close()
        return page

    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(work, range(8)))
    assert max(len(page.items) for page in pages) == 8


@pytest.mark.parametrize("old", OLD, ids=lambda path: path.stem)
async def test_an_older_file_is_brought_up_to_date(
    old: Path, file: Path, sqlite_url: str, open_engine: Callable[[str], sa.Engine]
) -> None:
    with sqlite3.connect(file) as connection:
        connection.executescript(old.read_text(encoding="utf-8"))
    stores = [SqlRecordStore(sqlite_url) for _ in range(3)]
    found = await asyncio.gather(*(all_ids(store, DEFAULT_CALLER) for store in stores))
    assert found == [["kept"]] * 3
    assert (await stores[0].get_document(DEFAULT_CALLER, "kept")).error_reason == ""
    await use(stores[0])
    for store in stores:
        store.close()
    assert differences(open_engine(sqlite_url)) == []
    with sqlite3.connect(file) as connection:
        for act in ("UPDATE sql_events SET detail = ''", "DELETE FROM sql_events"):
            with pytest.raises(sqlite3.IntegrityError, match="events stay"):
                connection.execute(act)


async def test_an_upgrade_that_fails_changes_nothing(file: Path, sqlite_url: str) -> None:
    old = OLD[0].read_text(encoding="utf-8")
    with sqlite3.connect(file) as connection:
        connection.executescript(old + "CREATE TABLE taken (id INT); CREATE INDEX documents_unfinished ON taken (id);")
        before = connection.execute("SELECT * FROM sqlite_master").fetchall()
    store = SqlRecordStore(sqlite_url)
    assert (await store.check()).status is HealthStatus.NOT_SERVING
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT * FROM sqlite_master").fetchall() == before
        connection.execute("DROP TABLE taken")
    assert await all_ids(store, DEFAULT_CALLER) == ["kept"]
    store.close()


async def test_new_tables_are_what_the_revisions_make(new_url: str, open_engine: Callable[[str], sa.Engine]) -> None:
    store = SqlRecordStore(new_url)
    assert store.upgrade() == ("", schema.HEAD)
    assert store.upgrade() == (schema.HEAD, schema.HEAD)
    engine = open_engine(new_url)
    assert differences(engine) == []
    with engine.begin() as connection:
        schema.metadata.drop_all(connection)
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("DROP FUNCTION sql_events_stay"))
        connection.execute(sa.text("DROP TABLE alembic_version"))
        connection.execute(sa.text("CREATE TABLE schema_version (version INT)"))
    assert store.upgrade() == ("0000", schema.HEAD)
    assert differences(engine) == []
    await use(store)
    for act in ("UPDATE sql_events SET detail = ''", "DELETE FROM sql_events"):
        with pytest.raises(DBAPIError, match="events stay"), engine.begin() as connection:
            connection.execute(sa.text(act))
    store.close()


def test_the_schema_is_that_of_the_last_revision() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS), version_locations=[str(MIGRATIONS)])
    assert scripts.get_heads() == [schema.HEAD]
    assert [step.revision for step in scripts.walk_revisions()][::-1] == [
        f"{i + 1:04}" for i in range(int(schema.HEAD))
    ]


async def test_the_users_schema_does_not_show_the_records(postgres_database: str) -> None:
    from service.adapters.databases.postgres import PostgresDatabase

    store, database = SqlRecordStore(postgres_database), PostgresDatabase(postgres_database)
    await use(store)
    assert (await database.schema(DEFAULT_CALLER)).tables == ()
    assert not any(
        "ragsql" in statement for statement in (await database.access(DEFAULT_CALLER)).remedy if " SCHEMA " in statement
    )
    store.close()
    database.close()


def test_processes_begin_together(new_url: str, file: Path) -> None:
    """On nothing, or on a file of an earlier version."""
    if new_url.startswith("sqlite"):
        with sqlite3.connect(file) as connection:
            connection.executescript(OLD[0].read_text(encoding="utf-8"))
    code = (
        "import asyncio, os; from service.adapters.records.sql import SqlRecordStore; "
        "from service.domain.caller import Caller; from tests.contract.records import statement, event; "
        f"saved = SqlRecordStore({new_url!r}).save_statement(Caller(), statement(str(os.getpid())), event('s')); "
        "asyncio.run(saved)"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [process.wait(240) for process in processes] == [0, 0, 0]
    store = SqlRecordStore(new_url)
    assert len(asyncio.run(store.list_statements(DEFAULT_CALLER, 9, "")).items) == 3
    store.close()


def test_alembic_is_loaded_only_to_bring_up_to_date(file: Path, sqlite_url: str) -> None:
    code = (
        "import asyncio, sys; from service.adapters.records.sql import SqlRecordStore; "
        "from service.domain.caller import Caller; "
        f"asyncio.run(SqlRecordStore({sqlite_url!r}).count_documents(Caller())); print('alembic' in sys.modules)"
    )

    def run() -> str:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert [run(), run()] == ["False\n"] * 2
    file.unlink()
    with sqlite3.connect(file) as connection:
        connection.executescript(OLD[-1].read_text(encoding="utf-8"))
    assert [run(), run()] == ["True\n", "False\n"]
