"""Commands as processes: the code they end with, all of their output, and nothing that keeps them from ending."""

from __future__ import annotations

import json

import pytest

from tests.cli.test_local_commands import ragsql, started
from tests.client.fake_server import USED, FakeServices

BUSY = """
import threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
from service.cli.main import run
run()
"""
"""The command, with a thread of a library that does not end by itself."""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("health",), 0),
        (("ask", "q", "--route", "hybrid"), 0),
        (("ask", "unknown"), 3),
        (("ask", "pending"), 5),
        (("ask", "q", "--route", "nowhere"), 2),
        (("health", "--url", "http://127.0.0.1:1"), 4),
    ],
)
def test_the_code_says_how_it_ended(url: str, words: tuple[str, ...], code: int) -> None:
    ended = ragsql(*words, RAGSQL_URL=url)
    assert ended.returncode == code, ended.stderr
    assert (ended.stdout if code in {0, 3, 5} else ended.stderr).strip()


def test_all_of_a_long_output_is_written(url: str, services: FakeServices) -> None:
    services.used = USED * 5_000
    assert len(json.loads(ragsql("usage", "--json", RAGSQL_URL=url).stdout)["totals"]) == 10_000


def test_a_thread_that_goes_on_keeps_no_command_that_is_done(url: str) -> None:
    ended = started(("-c", BUSY), "ask", "q", RAGSQL_URL=url)
    assert ended.returncode == 0
    assert "There are more rows than are shown." in ended.stdout
