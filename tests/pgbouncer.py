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

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")


@contextmanager
def pgbouncer(postgres_url: str, folder: Path, mode: str, size: int = 20) -> Generator[str]:
    """The URL, without a database's name, of a pooler that has every database of the server, size sessions each."""
    if PGBOUNCER is None:
        pytest.skip("pgbouncer is not installed (apt-get install pgbouncer)")
    server = parse_qs(urlsplit(postgres_url).query)["host"][0]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    (folder / "bouncer.ini").write_text(
        f"[databases]\n* = host={server} user=postgres\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = {mode}\n"
        f"unix_socket_dir =\nlogfile = {folder}/bouncer.log\nserver_reset_query = DISCARD ALL\nmax_client_conn = 100\n"
        f"default_pool_size = {size}\nquery_wait_timeout = 3\nserver_login_retry = 1\n"
        "ignore_startup_parameters = extra_float_digits\n"
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
                socket.create_connection(("127.0.0.1", port), 0.1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"postgresql://postgres@127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def pooled_postgres_url(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's database through a session pooler."""
    with pgbouncer(postgres_url, tmp_path_factory.mktemp("bouncer"), "session") as url:
        yield f"{url}postgres"
