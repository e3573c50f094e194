"""The tables brought to the version of this program, by whichever process comes first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from service.adapters.postgres_address import SETUP_LOCK
from service.adapters.records.postgres_server import SCHEMA
from service.errors import NotConfigured

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_MIGRATIONS = Path(__file__).parent / "migrations"
_UNNUMBERED = "0000"


def prepare(engine: Engine) -> None:
    """Make the tables, or bring them to this version; cheap when they are at it. Raises NotConfigured if newer."""
    from service.adapters.records.schema import HEAD

    with engine.connect().execution_options(ragsql_write=False) as connection, connection.begin():
        if _revision(connection) == HEAD:
            return
    upgrade(engine)


def upgrade(engine: Engine) -> tuple[str, str]:
    """Do so in one transaction, and return the revisions before, empty if there was none, and now."""
    from service.adapters.records.schema import HEAD

    with engine.connect().execution_options(ragsql_write=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            _take_turn(connection)
        found = _revision(connection)
        if found > HEAD:
            raise NotConfigured(
                f"The records were written by a newer version of ragsql (revision {found}, this one knows {HEAD}). "
                "Upgrade ragsql, or set RAGSQL_DATA_DIR or RAGSQL_RECORDS_URL to another place."
            )
        if not found:
            _create(connection)
        elif found < HEAD:
            _migrate(connection)
        return found, HEAD


def _take_turn(connection: Connection) -> None:
    """Wait until no other process does the same. The schema is made if it is missing."""
    from sqlalchemy import func, select, text

    connection.execute(select(func.pg_advisory_xact_lock(SETUP_LOCK)))
    if connection.execute(select(func.to_regnamespace(SCHEMA))).scalar() is None:
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))


def _revision(connection: Connection) -> str:
    """The revision of the tables that are here, empty if there are none."""
    from sqlalchemy import inspect, select

    from service.adapters.records.schema import alembic_version

    look = inspect(connection)
    if look.has_table(alembic_version.name):
        return connection.execute(select(alembic_version.c.version_num)).scalar_one()
    return _UNNUMBERED if look.has_table("schema_version") else ""


def _create(connection: Connection) -> None:
    """All tables as they are now, which is quicker than one revision after the other and gives the same."""
    from sqlalchemy import insert

    from service.adapters.records import schema

    schema.metadata.create_all(connection)
    schema.alembic_version.create(connection)
    connection.execute(insert(schema.alembic_version).values(version_num=schema.HEAD))


def _migrate(connection: Connection) -> None:
    from typing import Any

    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(_MIGRATIONS), version_locations=[str(_MIGRATIONS)])

    def steps(revision: Any, _: object) -> Any:
        return scripts._upgrade_revs("head", revision)  # pyright: ignore[reportPrivateUsage]

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()
