"""pgbouncer in front of a PostgreSQL server, as Supabase's poolers are."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.ports import free_port

LOGIN_RETRY_SECONDS = 1
PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")


class Pooler:
    """Has every database of the server, size sessions each; can be killed and started again on its port.

    postgres_url leads to a socket, over which user is trusted; a query waits for a session for so many seconds; more is
    added to its settings. url has no database.
    """

    def __init__(
        self,
        postgres_url: str,
        folder: Path,
        mode: str,
        *,
        user: str = "postgres",
        size: int = 20,
        wait: int = 60,
        host: str = "127.0.0.1",
        more: str = "",
    ) -> None:
        query = parse_qs(urlsplit(postgres_url).query)
        server, server_port = query["host"][0], query.get("port", ["5432"])[0]
        port = free_port(host)
        (folder / "bouncer.ini").write_text(
            f"[databases]\n* = host={server} port={server_port} user={user}\n"
            f"[pgbouncer]\nlisten_addr = {host}\nlisten_port = {port}\nauth_type = any\npool_mode = {mode}\n"
            f"unix_socket_dir =\nlogfile = {folder}/bouncer.log\nserver_reset_query = DISCARD ALL\n"
            f"max_client_conn = 100\ndefault_pool_size = {size}\nquery_wait_timeout = {wait}\n"
            f"server_login_retry = {LOGIN_RETRY_SECONDS}\nignore_startup_parameters = extra_float_digits\n{more}"
        )
        folder.chmod(0o777)
        for parent in list(folder.parents)[:3]:
            parent.chmod(parent.stat().st_mode | 0o055)
        # It does not run as root; the server's own user may use the server's socket.
        self._owner = pwd.getpwuid(Path(server).stat().st_uid).pw_name
        self._settings = folder / "bouncer.ini"
        self._address = (host, port)
        self.url = f"postgresql://{user}@{host}:{port}/"

    def start(self) -> None:
        """And wait until it listens."""
        if PGBOUNCER is None:
            pytest.skip("pgbouncer is not installed (apt-get install pgbouncer)")
        words = ["-u", self._owner] if os.geteuid() == 0 else []
        self._process = subprocess.Popen([PGBOUNCER, "-q", *words, str(self._settings)])
        ends = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(self._address, 1).close()
                return
            except OSError:
                assert time.monotonic() < ends, "pgbouncer does not listen"
                time.sleep(0.05)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)

    def kill(self) -> None:
        """And every connection through it."""
        self._process.kill()
        self._process.wait()


@contextmanager
def pgbouncer(postgres_url: str, folder: Path, mode: str, **options: Any) -> Generator[str]:
    """The URL, without a database's name, of a Pooler that runs until the block ends."""
    pooler = Pooler(postgres_url, folder, mode, **options)
    pooler.start()
    try:
        yield pooler.url
    finally:
        pooler.stop()


@pytest.fixture(scope="session")
def pooled_postgres_url(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's database through a session pooler."""
    with pgbouncer(postgres_url, tmp_path_factory.mktemp("bouncer"), "session") as url:
        yield f"{url}postgres"
