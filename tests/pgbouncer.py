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
from urllib.parse import parse_qs, urlsplit

import pytest

LOGIN_RETRY_SECONDS = 1
PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")


@contextmanager
def pgbouncer(
    postgres_url: str,
    folder: Path,
    mode: str,
    *,
    user: str = "postgres",
    size: int = 20,
    host: str = "127.0.0.1",
    more: str = "",
) -> Generator[str]:
    """The URL, without a database's name, of a pooler that has every database of the server, size sessions each.

    postgres_url leads to a socket, over which user is trusted; more is added to the pooler's settings.
    """
    if PGBOUNCER is None:
        pytest.skip("pgbouncer is not installed (apt-get install pgbouncer)")
    query = parse_qs(urlsplit(postgres_url).query)
    server, server_port = query["host"][0], query.get("port", ["5432"])[0]
    with socket.create_server((host, 0)) as listener:
        port = listener.getsockname()[1]
    (folder / "bouncer.ini").write_text(
        f"[databases]\n* = host={server} port={server_port} user={user}\n"
        f"[pgbouncer]\nlisten_addr = {host}\nlisten_port = {port}\nauth_type = any\npool_mode = {mode}\n"
        f"unix_socket_dir =\nlogfile = {folder}/bouncer.log\nserver_reset_query = DISCARD ALL\nmax_client_conn = 100\n"
        f"default_pool_size = {size}\nquery_wait_timeout = 1\nserver_login_retry = {LOGIN_RETRY_SECONDS}\n"
        f"ignore_startup_parameters = extra_float_digits\n{more}"
    )
    folder.chmod(0o777)
    for parent in list(folder.parents)[:3]:
        parent.chmod(parent.stat().st_mode | 0o055)
    # It does not run as root; the server's own user may use the server's socket.
    owner = pwd.getpwuid(Path(server).stat().st_uid).pw_name
    words = ["-u", owner] if os.geteuid() == 0 else []
    process = subprocess.Popen([PGBOUNCER, "-q", *words, str(folder / "bouncer.ini")])
    try:
        for _ in range(100):
            try:
                socket.create_connection((host, port), 0.1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"postgresql://{user}@{host}:{port}/"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def pooled_postgres_url(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's database through a session pooler."""
    with pgbouncer(postgres_url, tmp_path_factory.mktemp("bouncer"), "session") as url:
        yield f"{url}postgres"
