"""Which addresses of PostgreSQL are taken, which need TLS, and that it is spoken."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from service.adapters.databases.open import open_database
from service.adapters.databases.postgres import PostgresDatabase
from service.adapters.postgres_address import conninfo, direct_host_advice
from service.adapters.postgres_errors import connection_error
from service.adapters.records.sql import SqlRecordStore
from service.domain.caller import DEFAULT_CALLER
from service.domain.sql import ExecutionLimits
from service.errors import NotConfigured, SettingsError, UpstreamUnavailable
from service.settings import load
from tests.pgbouncer import pgbouncer
from tests.postgres_process import OTHERS, PASSWORD, USER, PostgresProcess, own_address
from tests.tls import self_signed

pytestmark = pytest.mark.anyio
LIMITS = ExecutionLimits()
URLS = ("DATABASE_URL", "RAGSQL_RECORDS_URL", "RAGSQL_VECTORS_URL")
needs_address = pytest.mark.skipif(not own_address(), reason="this machine has no address but loopback")


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://u:p@db.example.org/x", "require"),
        ("postgres://u:p@db.example.org/x?sslmode=require", "require"),
        ("postgresql://u:p@db.example.org/x?sslmode=verify-full", "verify-full"),
        ("postgresql://u:p@db.example.org/x?sslrootcert=/ca.pem", "verify-full"),
        ("postgresql://u:p@db.example.org/x?sslrootcert=/ca.pem&sslmode=verify-ca", "verify-ca"),
        ("postgresql+psycopg://u:p@127.0.0.1/x", None),
        ("postgresql://u:p@127.1.2.3/x?sslmode=disable", "disable"),
        ("postgresql://u:p@[::1]:5432/x", None),
        ("postgresql://u:p@[2001:db8::1]:5432/x", "require"),
        ("postgresql:///x?host=/run/postgresql", None),
        ("postgresql:///x", "require"),
        ("postgresql://u@localhost,db.example.org/x", "require"),
        ("postgresql://u@localhost/x?hostaddr=192.0.2.1", "require"),
        ("host=db.example.org dbname=x", "require"),
    ],
)
def test_tls_is_required_of_other_machines(url: str, mode: str | None) -> None:
    assert conninfo_to_dict(conninfo(url, "DATABASE_URL")).get("sslmode") == mode


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://u:secret@db.example.org/x?sslmode=disable", "sslmode=disable would allow"),
        ("postgresql://u:secret@db.example.org/x?sslmode=prefer", "sslmode=prefer would allow"),
        ("postgresql://u:secret@localhost,db.example.org/x?sslmode=allow", "sslmode=allow would allow"),
        ("postgresql://u:sec@ret@db.example.org/x", "@ : / \\? # % in the user or the password as %40"),
        ("postgresql://u:sec/ret@db.example.org/x", "as %40"),
        ("postgresql://u:sec?ret@db.example.org/x", "as %40"),
        ("postgresql://u:sec#ret@db.example.org/x", "as %40"),
        ("postgresql://u:sec%ret@db.example.org/x", "as %40"),
        ("postgresql://u:secret@[/x", "host or its port"),
        ("postgresql://u:secret@db.example.org:port/x", "host or its port"),
    ],
)
def test_an_address_without_tls_or_sense_is_refused_at_the_start(name: str, url: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load({name: url})
    assert re.search(says, refused.value.problems[name])
    assert "ret@" not in refused.value.problems[name]
    with pytest.raises(NotConfigured, match=f"{name}.*{says}"):
        conninfo(url, name)


def test_a_parameter_that_libpq_does_not_know_is_told() -> None:
    with pytest.raises(NotConfigured, match=r"DATABASE_URL.*parameter"):
        conninfo("postgresql://u:p@db.example.org/x?pgbouncer=true", "DATABASE_URL")


def test_supabases_addresses_are_known(caplog: pytest.LogCaptureFixture) -> None:
    assert "session pooler" in direct_host_advice("postgresql://postgres:p@db.abcdefgh.supabase.co:5432/postgres")
    unreachable = psycopg.OperationalError("connection failed: Network is unreachable")
    broken = connection_error(unreachable, "database", "DATABASE_URL",
                              "postgresql://postgres:p@db.abcdefgh.supabase.co:5432/postgres")  # fmt: skip
    assert re.search(r"DATABASE_URL.*db\.abcdefgh\.supabase\.co has an IPv6 address only.*pooler", str(broken))
    pooler = "postgresql://postgres.abcdefgh:p@aws-0-eu-central-1.pooler.supabase.com:{}/postgres"
    assert direct_host_advice(pooler) == ""
    with caplog.at_level(logging.WARNING):
        conninfo(pooler.format(5432), "DATABASE_URL")
        assert caplog.messages == []
        conninfo(pooler.format(6543), "DATABASE_URL")
    assert "DATABASE_URL" in caplog.messages[0]
    assert "5432" in caplog.messages[0]


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
async def test_every_spelling_and_any_password_connects(postgres_process: PostgresProcess, scheme: str) -> None:
    url = postgres_process.url(scheme=scheme)
    assert load({"DATABASE_URL": url, "RAGSQL_RECORDS_URL": url}).records == "postgresql"
    store, database = SqlRecordStore(url), open_database(url)
    assert await store.count_documents(DEFAULT_CALLER) == 0
    assert (await database.execute(DEFAULT_CALLER, "SELECT current_user::text", LIMITS)).rows == ((USER,),)
    store.close()


@pytest.fixture(params=["tls", "plain"])
def elsewhere(
    request: pytest.FixtureRequest, postgres_process: PostgresProcess, tmp_path: Path
) -> Iterator[tuple[str, str, Path]]:
    """`tls` or `plain`, the URL of a session pooler at an address that is not loopback, and its certificate."""
    host = own_address()
    certificate = self_signed(tmp_path, host)
    (tmp_path / "users.txt").write_text(f'"{USER}" "{PASSWORD}"\n')
    for file in (certificate, tmp_path / "users.txt"):
        file.chmod(0o644)
    more = f"auth_type = scram-sha-256\nauth_file = {tmp_path}/users.txt\n"
    if request.param == "tls":
        more += (
            f"client_tls_sslmode = require\nclient_tls_key_file = {certificate}\nclient_tls_cert_file = {certificate}\n"
        )
    with pgbouncer(postgres_process.own_url, tmp_path, "session", host=host, more=more) as url:
        yield request.param, url.replace("postgres@", f"{OTHERS}@") + "app", certificate


@needs_address
async def test_another_machine_is_reached_over_tls_or_not_at_all(
    elsewhere: tuple[str, str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    kind, url, certificate = elsewhere
    store, database = SqlRecordStore(url), PostgresDatabase(url)
    if kind == "plain":
        with pytest.raises(NotConfigured, match=r"TLS.*RAGSQL_RECORDS_URL"):
            await store.count_documents(DEFAULT_CALLER)
        with pytest.raises(UpstreamUnavailable, match=r"TLS.*DATABASE_URL"):
            await database.schema(DEFAULT_CALLER)
        return
    assert await store.count_documents(DEFAULT_CALLER) == 0
    assert (await database.execute(DEFAULT_CALLER, "SELECT 1", LIMITS)).rows == ((1,),)
    store.close()
    database.close()
    checked = SqlRecordStore(f"{url}?sslrootcert={certificate}")
    assert await checked.count_documents(DEFAULT_CALLER) == 0
    checked.close()
    (certificate.parent / "other").mkdir()
    stranger = self_signed(certificate.parent / "other", own_address())
    with pytest.raises(NotConfigured, match=r"TLS.*sslrootcert in RAGSQL_RECORDS_URL"):
        await SqlRecordStore(f"{url}?sslrootcert={stranger}").count_documents(DEFAULT_CALLER)


@needs_address
async def test_a_server_elsewhere_without_tls_is_refused(postgres_process: PostgresProcess) -> None:
    with pytest.raises(NotConfigured, match=r"TLS.*RAGSQL_RECORDS_URL"):
        await SqlRecordStore(postgres_process.url(host=own_address())).count_documents(DEFAULT_CALLER)
