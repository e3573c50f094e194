"""A bounded number of sessions of a PostgreSQL server, each clean whoever used it before."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from service.adapters.databases.postgres_types import leave_json_as_text
from service.adapters.postgres_address import TURN_SECONDS, conninfo
from service.adapters.postgres_errors import REPLACE_PAUSES, is_lost, no_turn
from service.errors import UpstreamUnavailable

if TYPE_CHECKING:
    from service.adapters.postgres_connection import BoundedConnection

_IDLE_SECONDS = 60.0
_LONGER_SECONDS = 10.0


class _Idle(NamedTuple):
    session: BoundedConnection
    since: float


class Sessions:
    """Read-only transactions at url. A session that died unused is replaced; one unused for a minute is closed.

    setting is where url comes from. Safe for threads.
    """

    def __init__(self, url: str, setting: str, size: int) -> None:
        self._url, self._setting, self._size = url, setting, size
        self._turns = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._idle: list[_Idle] = []
        self._cleaner = ThreadPoolExecutor(1, "postgres-cleaner")
        self._reaper: threading.Timer | None = None

    @contextmanager
    def transaction(self, seconds: float, asked: float) -> Generator[BoundedConnection]:
        """One whose statements may each run for so long. What is done in it is taken back, also from the session.

        asked is when the caller began to wait, by time.monotonic. Raises psycopg.Error, NotConfigured for a url that
        cannot be used, and UpstreamUnavailable when all are busy.
        """
        if not self._turns.acquire(timeout=max(0.0, asked + TURN_SECONDS - time.monotonic())):
            raise UpstreamUnavailable(no_turn("database", self._size).message)
        try:
            session = self._begun(seconds)
        except BaseException:
            self._turns.release()
            raise
        try:
            yield session
        finally:
            self._cleaner.submit(self._clean, session)

    def close(self) -> None:
        """Close those that are not in use. They open again on use."""
        self._cleaner.submit(self._drop, 0.0).result()

    def _begun(self, seconds: float) -> BoundedConnection:
        """A session in a transaction. One that died while nobody used it is replaced: nothing was asked over it."""
        import psycopg

        for pause in REPLACE_PAUSES:
            session = self._take()
            try:
                return _begin(session, seconds)
            except psycopg.Error as error:
                session.close()
                if not is_lost(error):
                    raise
                self._drop(0.0)  # the others are as old
                time.sleep(pause)
        return _begin(self._connect(), seconds)

    def _take(self) -> BoundedConnection:
        """The session that was used last, or a new one."""
        with self._lock:
            if self._idle:
                return self._idle.pop().session
        return self._connect()

    def _connect(self) -> BoundedConnection:
        from service.adapters.postgres_connection import connect

        session = connect(conninfo(self._url, self._setting))
        leave_json_as_text(session)
        return session

    def _clean(self, session: BoundedConnection) -> None:
        """Roll back, forget everything, and let the next one have it."""
        import psycopg

        session.longest = _LONGER_SECONDS
        try:
            session.execute("ROLLBACK")
            session.execute("DISCARD ALL")
            with self._lock:
                self._idle.append(_Idle(session, time.monotonic()))
                if self._reaper is None:
                    self._reap_later()
        except psycopg.Error:
            session.close()
        finally:
            self._turns.release()

    def _reap_later(self) -> None:
        self._reaper = threading.Timer(_IDLE_SECONDS, self._reap)
        self._reaper.daemon = True
        self._reaper.start()

    def _reap(self) -> None:
        self._drop(_IDLE_SECONDS)
        with self._lock:
            self._reaper = None
            if self._idle:
                self._reap_later()

    def _drop(self, seconds: float) -> None:
        """Close what was not used for so long."""
        latest = time.monotonic() - seconds
        with self._lock:
            old = [idle.session for idle in self._idle if idle.since <= latest]
            self._idle = [idle for idle in self._idle if idle.since > latest]
        for session in old:
            session.close()


def _begin(session: BoundedConnection, seconds: float) -> BoundedConnection:
    """In one round trip. A session pooler drops settings given at connection time, so they are set here, for here."""
    session.longest = seconds + _LONGER_SECONDS
    session.execute(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
        f"SET LOCAL statement_timeout = {int(seconds * 1000)}; SET LOCAL lock_timeout = 2000; "
        "SET LOCAL idle_in_transaction_session_timeout = 60000".encode()
    )
    return session
