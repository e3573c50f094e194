"""What a PostgreSQL role could do besides reading, and the statements that make one which cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from service.adapters.databases.postgres_schema import HIDDEN
from service.domain.sql import Access

if TYPE_CHECKING:
    from psycopg import Connection

READER = "ragsql_reader"
_SHOWN = 5
_OWN_SCHEMAS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
_DANGEROUS = (
    "pg_write_all_data", "pg_write_server_files", "pg_execute_server_program", "pg_read_server_files",
    "pg_signal_backend", "pg_maintain", "pg_checkpoint", "pg_create_subscription", "pg_database_owner",
)  # fmt: skip


def _words(table: str) -> str:
    return "concat_ws(', ', " + ", ".join(
        f"CASE WHEN has_table_privilege({table}, '{word}') THEN '{word}' END"
        for word in ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
    ) + ")"  # fmt: skip


_FINDINGS = f"""
SELECT 1 AS rank, 'attribute' AS kind, r.rolname::text AS object,
       concat_ws(', ', CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
                 CASE WHEN r.rolcreatedb THEN 'CREATEDB' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END,
                 CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END) AS words
FROM pg_roles r WHERE r.rolname IN (current_user, session_user)
  AND (r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)
UNION ALL
SELECT 2, 'member', r.rolname::text, '' FROM pg_roles r
WHERE r.rolname IN ({", ".join(f"'{name}'" for name in _DANGEROUS)}) AND pg_has_role(r.oid, 'MEMBER')
UNION ALL
SELECT 3, 'owner', format('%I.%I', n.nspname, c.relname), ''
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f', 'S') AND {_OWN_SCHEMAS} AND pg_has_role(c.relowner, 'MEMBER')
UNION ALL
SELECT 4, 'table', format('%I.%I', n.nspname, c.relname), {_words("c.oid")}
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND {_OWN_SCHEMAS}
  AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
UNION ALL
SELECT 5, 'columns', format('%I.%I', n.nspname, c.relname), 'INSERT or UPDATE'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND {_OWN_SCHEMAS} AND has_any_column_privilege(c.oid, 'INSERT, UPDATE')
  AND NOT has_table_privilege(c.oid, 'INSERT, UPDATE')
UNION ALL
SELECT 6, 'sequence', format('%I.%I', n.nspname, c.relname), 'USAGE or UPDATE'
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {_OWN_SCHEMAS} AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'USAGE, UPDATE') ELSE false END
UNION ALL
SELECT 7, 'schema', quote_ident(n.nspname), 'CREATE' FROM pg_namespace n
WHERE {_OWN_SCHEMAS} AND has_schema_privilege(n.oid, 'CREATE')
UNION ALL
SELECT 8, 'database', quote_ident(current_database()), 'CREATE'
WHERE has_database_privilege(current_database(), 'CREATE')"""
_SCHEMAS = f"""
SELECT n.nspname, array_agg(DISTINCT pg_get_userbyid(c.relowner)::text)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND {_OWN_SCHEMAS} AND n.nspname <> ALL(%s)
GROUP BY n.nspname ORDER BY n.nspname"""
# What everybody may do, a new role may do too.
_PUBLIC = f"""
SELECT format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', n.nspname)
FROM pg_namespace n WHERE {_OWN_SCHEMAS} AND has_schema_privilege('public', n.oid, 'CREATE')
UNION ALL
SELECT format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON %I.%I FROM PUBLIC', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND {_OWN_SCHEMAS}
  AND has_table_privilege('public', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
UNION ALL
SELECT format('REVOKE USAGE, UPDATE ON SEQUENCE %I.%I FROM PUBLIC', n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {_OWN_SCHEMAS}
  AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege('public', c.oid, 'USAGE, UPDATE') ELSE false END"""
_SENTENCES = {
    "attribute": "is {words}",
    "member": "is a member of {object}",
    "owner": "owns {object}, so it can grant itself anything on it",
    "table": "may {words} on {object}",
    "columns": "may {words} columns of {object}",
    "sequence": "may use the sequence {object}, which changes it",
    "schema": "may CREATE in the schema {object}",
    "database": "may CREATE schemas in the database {object}",
}


def can_write(connection: Connection) -> bool:
    """Whether the role could change anything: data, sequences, schemas, files, other sessions, its own rights."""
    row = connection.execute(f"SELECT EXISTS (SELECT 1 FROM ({_FINDINGS}) found)".encode()).fetchone()
    return row is None or row[0] is not False


def read_access(connection: Connection) -> Access:
    """What the role could do, in sentences, and the statements for a role that can only read."""
    row = connection.execute("SELECT current_user").fetchone()
    role = str(row[0]) if row else ""
    found: dict[str, list[str]] = {}
    for _, kind, name, words in connection.execute(f"{_FINDINGS} ORDER BY 1, 3".encode()):
        found.setdefault(kind, []).append(_SENTENCES[kind].format(object=name, words=words))
    if any("SUPERUSER" in phrase for phrase in found.get("attribute", ())):
        # The rest follows from it.
        found = {"attribute": found["attribute"]}
    problems = tuple(sentence for kind in found for sentence in _sentences(role, found[kind]))
    return Access(role, problems, _grants(connection) if problems else ())


def _sentences(role: str, phrases: Sequence[str]) -> list[str]:
    rest = len(phrases) - _SHOWN
    shown = [f"The role {role} {phrase}." for phrase in phrases[:_SHOWN]]
    return [*shown, f"There are {rest} more like the last."] if rest > 0 else shown


def _grants(connection: Connection) -> tuple[str, ...]:
    from psycopg import sql

    taken = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
    name = next(n for n in (READER, *(f"{READER}_{i}" for i in range(2, 1000))) if n not in taken)
    reader = sql.Identifier(name)
    database = connection.execute("SELECT current_database()").fetchone()
    parts = [
        sql.SQL(
            "CREATE ROLE {} LOGIN PASSWORD 'choose one' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
        ).format(reader),
        sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(reader),
        sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database[0] if database else ""), reader),
    ]
    for schema, owners in connection.execute(_SCHEMAS.encode(), (HIDDEN,)).fetchall():
        home = sql.Identifier(schema)
        parts.append(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(home, reader))
        parts.append(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}").format(home, reader))
        parts += [
            sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {} GRANT SELECT ON TABLES TO {}").format(
                sql.Identifier(owner), home, reader
            )
            for owner in owners
        ]
    revokes = [str(row[0]) for row in connection.execute(_PUBLIC.encode())]
    return tuple(f"{text};" for text in [*(part.as_string(connection) for part in parts), *revokes])
