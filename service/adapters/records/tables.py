"""The tables brought to the version of this program, by whichever process comes first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from service.adapters.postgres_address import SETUP_LOCK
from service.adapters.records.postgres_server import SCHEMA
from service.errors import NotConfigured

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_MIGRATIONS = Path(__file__).parent / "migrations"
_UNNUMBERED = "0000"


class _Found(NamedTuple):
    """The revision of the tables that are here, empty if there are none, and the first whose programs can use them."""

    revision: str
    compatible_from: str


def prepare(engine: Engine) -> None:
    """Make the tables, or bring them to this version; cheap when they can be used.

    Raises NotConfigured for newer ones that this version cannot use, and for older ones that others, which may still be
    using them on a server, could not use afterwards.
    """
    from service.adapters.records.schema import COMPATIBLE_FROM, HEAD

    with engine.connect().execution_options(ragsql_write=False) as connection, connection.begin():
        found = _found(connection)
        if found.compatible_from <= HEAD <= found.revision:
            return
        if found.revision and found.revision < COMPATIBLE_FROM and connection.dialect.name == "postgresql":
            raise NotConfigured(
                f"The records are at revision {found.revision}, and versions of ragsql before revision "
                f"{COMPATIBLE_FROM} cannot use the tables that this one needs. Stop those that still use "
                "RAGSQL_RECORDS_URL, then run `ragsql upgrade-records`."
            )
    upgrade(engine)


def upgrade(engine: Engine) -> tuple[str, str]:
    """Do so in one transaction, and return the revisions before, empty if there was none, and now."""
    from service.adapters.records.schema import HEAD

    with engine.connect().execution_options(ragsql_write=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            _take_turn(connection)
        found, compatible_from = _found(connection)
        if compatible_from <= HEAD < found:
            return found, found
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


def _found(connection: Connection) -> _Found:
    from sqlalchemy import inspect, text

    from service.adapters.records.schema import alembic_version

    look = inspect(connection)
    if look.has_table(alembic_version.name):
        row = connection.execute(text(f"SELECT * FROM {alembic_version.fullname}")).mappings().one()
        revision = str(row[alembic_version.c.version_num.name])
        return _Found(revision, row.get(alembic_version.c.compatible_from.name) or revision)
    revision = _UNNUMBERED if look.has_table("schema_version") else ""
    return _Found(revision, revision)


def _create(connection: Connection) -> None:
    """All tables as they are now, which is quicker than one revision after the other and gives the same."""
    from sqlalchemy import insert

    from service.adapters.records import schema

    schema.metadata.create_all(connection)
    schema.alembic_version.create(connection)
    row = {"version_num": schema.HEAD, "compatible_from": schema.COMPATIBLE_FROM}
    connection.execute(insert(schema.alembic_version).values(row))


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
    _mark(connection)


def _mark(connection: Connection) -> None:
    """Say which programs can use the tables as they are now."""
    from sqlalchemy import inspect, text, update

    from service.adapters.records.schema import COMPATIBLE_FROM, alembic_version

    column = alembic_version.c.compatible_from
    if column.name not in {found["name"] for found in inspect(connection).get_columns(alembic_version.name)}:
        kind = column.type.compile(connection.dialect)
        connection.execute(text(f"ALTER TABLE {alembic_version.name} ADD COLUMN {column.name} {kind}"))
    connection.execute(update(alembic_version).values({column: COMPATIBLE_FROM}))
