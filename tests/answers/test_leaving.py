"""`ragsql ask` that is interrupted, and the Python clients whose caller stops reading, stop the server's work."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from ragsql_client import AsyncClient, Client
from service.adapters.parsers.parser import DocumentParser
from service.domain.caller import DEFAULT_CALLER
from tests.answers.test_answer_question import CASELOAD
from tests.answers.test_hang_ups import SECONDS, service
from tests.e2e.server import PATHS
from tests.hanging_model import HangingModel

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("options", [(), ("--json",)])
async def test_ctrl_c_of_ask_stops_the_server_s_work(
    options: tuple[str, ...], model: HangingModel, tmp_path: Path, parser: DocumentParser
) -> None:
    async with service(tmp_path, model, f"sqlite:///{tmp_path / 'none.db'}", parser) as (_, url):
        command = [sys.executable, "-m", "service.cli.main", "ask", "--url", url, "--route", "documents", *options]
        paths = {"PYTHONPATH": PATHS}
        with subprocess.Popen(
            [*command, CASELOAD], env={**os.environ, **paths}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as asking:
            assert asking.stdout
            if not options:
                told = await asyncio.to_thread(asking.stdout.readline)
                assert told == "documents (100%): The caller chose this route.\n"
            assert await asyncio.to_thread(model.asked.wait, SECONDS)
            assert not model.hung_up.is_set()
            asking.send_signal(signal.SIGINT)
            assert await asyncio.to_thread(model.hung_up.wait, SECONDS)
            assert await asyncio.to_thread(asking.wait, SECONDS) == 130
            assert asking.stderr
            assert "Traceback" not in asking.stderr.read()


async def leave(url: str) -> None:
    async with AsyncClient(url) as client:
        async for event in client.stream(CASELOAD, route="documents"):
            assert event.WhichOneof("event") == "routing"
            break


async def leave_sync(url: str) -> None:
    def first() -> None:
        with Client(url) as client:
            for event in client.stream(CASELOAD, route="documents"):
                assert event.WhichOneof("event") == "routing"
                break

    await asyncio.to_thread(first)


@pytest.mark.parametrize("left", [leave, leave_sync])
async def test_leaving_the_loop_over_the_events_stops_the_work(
    left: Callable[[str], Coroutine[Any, Any, None]], model: HangingModel, tmp_path: Path, parser: DocumentParser
) -> None:
    async with service(tmp_path, model, f"sqlite:///{tmp_path / 'none.db'}", parser) as (assembly, url):
        await left(url)
        began = await asyncio.to_thread(model.asked.wait, 2.0)  # most leave before that
        assert not began or await asyncio.to_thread(model.hung_up.wait, SECONDS)
        assert not await assembly.use_cases.caches.clear(DEFAULT_CALLER, "answer")
