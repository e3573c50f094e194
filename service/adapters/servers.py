"""What a server says of its clock and of how many connections it has left, outside of what the ports are for."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from service.errors import UpstreamUnavailable

OPENAI_URL = "https://api.openai.com/v1"
PINECONE_URL = "https://api.pinecone.io"
_SECONDS = 20
_POSTGRES = """
SELECT clock_timestamp(),
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'ragsql'),
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
"""


@dataclass(frozen=True, slots=True)
class PostgresState:
    """skew_seconds is how far its clock is ahead of this machine's; connections are open ones, of at most so many.

    of_others are those that no ragsql has opened.
    """

    skew_seconds: float
    connections: int
    of_others: int
    most_connections: int


async def http_skew(url: str) -> float:
    """By how many seconds the clock of the server at url is ahead, to a second. Raises UpstreamUnavailable."""
    return await asyncio.to_thread(_http_skew, url)


async def postgres_state(url: str, setting: str) -> PostgresState:
    """How the PostgreSQL server is whose url stands in a setting. Raises UpstreamUnavailable and NotConfigured."""
    return await asyncio.to_thread(_postgres_state, url, setting)


async def s3_url() -> str:
    """Where the AWS settings of this machine lead."""
    return await asyncio.to_thread(_s3_url)


def _http_skew(url: str) -> float:
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = (HTTPSConnection if parts.scheme == "https" else HTTPConnection)(host, parts.port, timeout=_SECONDS)
    try:
        before = dt.datetime.now(dt.UTC)
        connection.request("HEAD", parts.path or "/")
        sent = connection.getresponse().headers["date"]
        after = dt.datetime.now(dt.UTC)
    except (OSError, HTTPException) as error:
        raise UpstreamUnavailable(f"{host} does not answer.") from error
    finally:
        connection.close()
    if not sent:
        raise UpstreamUnavailable(f"{host} does not tell its time.")
    # It is cut to the second.
    return (parsedate_to_datetime(sent) + dt.timedelta(seconds=0.5) - before - (after - before) / 2).total_seconds()


def _postgres_state(url: str, setting: str) -> PostgresState:
    import psycopg

    from service.adapters.postgres_address import conninfo
    from service.adapters.postgres_connection import connect

    try:
        with connect(conninfo(url, setting), _SECONDS) as connection:
            before = dt.datetime.now(dt.UTC)
            row = connection.execute(_POSTGRES).fetchone()
            after = dt.datetime.now(dt.UTC)
    except psycopg.Error as error:
        raise UpstreamUnavailable("The PostgreSQL server does not answer.") from error
    assert row is not None
    now, connections, of_others, most = row
    return PostgresState((now - before - (after - before) / 2).total_seconds(), connections, of_others, most)


def _s3_url() -> str:
    import boto3

    client = boto3.session.Session().client("s3")  # pyright: ignore
    return str(client.meta.endpoint_url)  # pyright: ignore
