"""Addresses of PostgreSQL servers: which must be encrypted, what libpq takes, and what to know of Supabase's."""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Sequence
from urllib.parse import parse_qs, unquote

from service.errors import NotConfigured

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
SETUP_LOCK = 7_242_685_102
"""The advisory lock of those who make or change tables in the schema ragsql; any number that no other program takes."""
TURN_SECONDS = 5.0
"""So long a caller waits for one of the connections of this process."""
CONNECTIONS = 4
"""Of one process to one database, unless it is set."""
_FORM = "Write postgresql://user:password@host:5432/name"
_CODED = f"{_FORM}, and @ : / ? # % in the user or the password as %40 %3A %2F %3F %23 %25."
_ENCRYPTED = ("require", "verify-ca", "verify-full")
_DIRECT = re.compile(r"db\.\w+\.supabase\.co")
_SUPABASE = re.compile(r".*\.supabase\.(co|com)")
_TRANSACTION_PORT = "6543"
# A server that vanishes is noticed in the middle of a call, and while a connection waits for the next one.
_DEFAULTS = {
    "connect_timeout": "5", "application_name": "ragsql", "tcp_user_timeout": "15000",
    "keepalives_idle": "15", "keepalives_interval": "5", "keepalives_count": "3",
}  # fmt: skip
_log = logging.getLogger(__name__)


def check_address(url: str) -> None:
    """Look at a URL without libpq. Raises ValueError with a sentence that does not name the setting."""
    scheme, _, rest = url.partition("://")
    authority, query = re.split(r"[/?#]", rest, maxsplit=1)[0], parse_qs(rest.partition("?")[2])
    user, _, places = authority.rpartition("@")
    path = rest[len(authority) :].partition("?")[0]
    if scheme not in SCHEMES or "#" in rest or "@" in user + path or re.search(r"%(?![0-9A-Fa-f]{2})", rest):
        raise ValueError(f"It cannot be read. {_CODED}")
    named = [re.fullmatch(r"(\[[^]]*\]|[^:\[\]]*)(?::(\d*))?", place) for place in places.split(",")]
    if not all(named):
        raise ValueError(f"Its host or its port cannot be read. {_CODED}")
    hosts = [unquote(match[1]).strip("[]") for match in named if match]
    hosts = query.get("host", [",".join(hosts)])[-1].split(",") + query.get("hostaddr", [])
    _required(hosts, query.get("sslmode", [""])[-1], "sslrootcert" in query)


def conninfo(url: str, setting: str) -> str:
    """What libpq takes. TLS is required of every server but those of this machine. Raises NotConfigured."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    try:
        if "://" in url:
            check_address(url)
        parts = {name: str(value) for name, value in conninfo_to_dict(_plain(url)).items() if value is not None}
        hosts = [*parts.get("host", "").split(","), *filter(None, [parts.get("hostaddr")])]
        mode = _required(hosts, parts.get("sslmode", ""), "sslrootcert" in parts)
    except ProgrammingError:
        raise NotConfigured(
            f"{setting} cannot be read, or has a parameter that libpq does not know. {_CODED}"
        ) from None
    except ValueError as error:
        raise NotConfigured(f"{setting}: {error}") from None
    if parts.get("port") == _TRANSACTION_PORT and any(_SUPABASE.fullmatch(host) for host in hosts):
        _log.warning(
            "%s leads to Supabase's transaction pooler, port 6543. Use its session pooler: port 5432 of the same host.",
            setting,
        )
    return make_conninfo("", **_DEFAULTS | parts | ({"sslmode": mode} if mode else {}))


def direct_host_advice(address: str) -> str:
    """A sentence with a space before it when the host is one that only IPv6 reaches, else nothing."""
    host = _DIRECT.search(address)
    return (
        f" {host[0]} has an IPv6 address only: where there is no IPv6, take the URL of the session pooler (host "
        "….pooler.supabase.com, port 5432), which Supabase shows under Connect."
        if host
        else ""
    )


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def _required(hosts: Sequence[str], mode: str, has_root: bool) -> str:
    """The sslmode to use, empty for libpq's default. Raises ValueError when the one that is given is too weak."""
    if all(_is_here(host) for host in hosts):
        return mode
    if mode and mode not in _ENCRYPTED:
        raise ValueError(
            f"It leads to another machine, where sslmode={mode} would allow a connection without TLS. Take it out, or "
            "set sslmode=require or sslmode=verify-full."
        )
    return mode or ("verify-full" if has_root else "require")


def _is_here(host: str) -> bool:
    """Whether a host is this machine: a socket, localhost or a loopback address."""
    if host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
