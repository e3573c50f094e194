"""What is wrong with a PostgreSQL server or with its address, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.adapters.postgres_address import TURN_SECONDS, direct_host_advice
from service.errors import NotConfigured, Overloaded, RagsqlError, UpstreamUnavailable

if TYPE_CHECKING:
    import psycopg

REPLACE_PAUSES = (0.0, 0.2)
"""Seconds before a dead connection is replaced by a new one. A pooler may still pass on an old fault at the first."""
# An error at connection time often has no code, only the words of libpq or of a pooler.
_REFUSED = ("authentication failed", "no password supplied", "no pg_hba.conf entry", "auth_query", "no such user")
_ABSENT = ("does not exist", "no such database", "Tenant or user not found")
_NO_TLS = ("does not support SSL", "certificate", "SSL error", "root.crt", "SSL required")
_FULL = ("too many clients", "too many connections", "remaining connection slots", "max_client_conn", "MaxClients")


def no_turn(server: str, connections: int) -> Overloaded:
    """What a caller is told whose turn does not come."""
    return Overloaded(
        f"All {connections} connections to the {server} have been busy for {TURN_SECONDS:g} seconds. Try again in a "
        "moment; RAGSQL_POSTGRES_CONNECTIONS allows more."
    )


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection is gone, whatever was asked over it."""
    import psycopg

    state = error.sqlstate or ""
    # The client itself speaks without a code; of its kinds, InternalError is an answer that makes no sense.
    by_client = not state and isinstance(error, psycopg.OperationalError | psycopg.InternalError)
    return by_client or state.startswith(("57P", "08"))


def connection_error(error: psycopg.Error, server: str, setting: str, url: str) -> RagsqlError | None:
    """The error to raise where the server cannot be used, None when it has only refused a statement.

    server is how a sentence names it, such as `database of records`; url is what setting holds.
    """
    state, words = error.sqlstate or "", str(error)

    def said(*phrases: str) -> bool:
        return is_lost(error) and any(phrase in words for phrase in phrases)

    if state.startswith("28") or said(*_REFUSED):
        return NotConfigured(
            f"The {server} refuses the user or the password, which may have expired. Check {setting}; characters "
            "other than letters and digits are written as % and their code."
        )
    if state == "3D000" or said(*_ABSENT):
        return NotConfigured(f"The server of the {server} has no such database or user. Check {setting}.")
    if state in ("53100", "53200"):
        return UpstreamUnavailable(f"The server of the {server} has no more disk or memory. Make room there.")
    if state == "53300" or said(*_FULL):
        return Overloaded(
            f"The server of the {server} takes no more connections. Set RAGSQL_POSTGRES_CONNECTIONS lower in the "
            "processes that share it, or let the server or its pooler take more."
        )
    if said(*_NO_TLS):
        return NotConfigured(
            f"The {server} is on another machine and TLS with it failed. Turn TLS on in the server, or correct sslmode "
            f"and sslrootcert in {setting}."
        )
    if is_lost(error):
        return UpstreamUnavailable(
            f"The {server} does not answer, or the connection to it broke. Check {setting} and the server, and try "
            f"again.{direct_host_advice(url)}"
        )
    return None
