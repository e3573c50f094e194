"""The local chat model: a llama.cpp server in a process of its own, started when needed and kept alive."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import select
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from service.adapters.openai_sdk import Endpoint
from service.errors import NotConfigured, UpstreamUnavailable

_START_SECONDS = 120.0
_LONGEST_PAUSE_SECONDS = 60.0
_STEADY_SECONDS = 60.0


class LlamaServer:
    """Starts and supervises the server for one GGUF file, on 127.0.0.1, a free port and a random key.

    log_path receives what llama.cpp says. threads defaults to the cores, at most 4; more than are free makes it
    slower. context is in tokens, prompt and reply together. A process that dies is started again at the next call;
    if it keeps dying, after a pause that doubles each time. It ends with close(), and by itself when its parent is
    gone.
    """

    def __init__(self, gguf: Path, log_path: Path, threads: int | None = None, context: int = 8192) -> None:
        self.model = f"local:{gguf.stem}"
        self._gguf = gguf
        self._log_path = log_path
        self._threads = threads or min(4, os.cpu_count() or 1)
        self._context = context
        self._starting = ThreadPoolExecutor(1, "llama-start")
        self._process: subprocess.Popen[bytes] | None = None
        self._endpoint: Endpoint | None = None
        self._started = 0.0
        self._deaths = 0
        self._not_before = 0.0

    async def endpoint(self) -> Endpoint:
        """Where the server listens, started first if need be. Raises NotConfigured, UpstreamUnavailable."""
        if (endpoint := self._running()) is not None:
            return endpoint
        return await asyncio.get_running_loop().run_in_executor(self._starting, self._ensure)

    async def warm(self) -> None:
        """Load the model now. Raises like endpoint."""
        await self.endpoint()

    def problem(self) -> str:
        """Why there is no chat model, as a sentence with what to do; empty when there is one."""
        if not self._gguf.is_file():
            return (
                "No chat model is installed: run `ragsql models pull`, or set RAGSQL_LOCAL_MODEL to a GGUF file."
                " Documents are answered without it."
            )
        if self._pause() > 0:
            return f"The local chat model stopped. See {self._log_path}."
        return ""

    def close(self) -> None:
        """End the process and wait until it has."""
        if self._process is not None:
            self._process.kill()
        self._starting.shutdown(wait=True, cancel_futures=True)
        self._stop()

    def _running(self) -> Endpoint | None:
        alive = self._process is not None and self._process.poll() is None
        return self._endpoint if alive else None

    def _pause(self) -> float:
        return self._not_before - time.monotonic()

    def _ensure(self) -> Endpoint:
        if (endpoint := self._running()) is not None:
            return endpoint
        if not self._gguf.is_file():
            raise NotConfigured(self.problem())
        if self._process is not None:
            self._note_death()
        if (pause := self._pause()) > 0:
            raise UpstreamUnavailable(
                f"The local chat model stopped and starts again in {pause:.0f} seconds. See {self._log_path}."
            )
        return self._start()

    def _note_death(self) -> None:
        self._stop()
        steady = time.monotonic() - self._started > _STEADY_SECONDS
        self._deaths = 0 if steady else self._deaths + 1
        if self._deaths > 1:
            self._not_before = time.monotonic() + min(_LONGEST_PAUSE_SECONDS, 2.0 ** (self._deaths - 1))

    def _start(self) -> Endpoint:
        self._started = time.monotonic()
        key = secrets.token_urlsafe(24)
        config = {"gguf": str(self._gguf), "threads": self._threads, "context": self._context, "api_key": key}
        self._log_path.parent.mkdir(parents=True, exist_ok=True)
        with self._log_path.open("ab" if self._deaths else "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "service.adapters.chat.llama_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        url = self._await_url(self._process, json.dumps(config).encode() + b"\n")
        endpoint = Endpoint(f"{url}/v1", key)
        self._endpoint = endpoint
        return endpoint

    def _await_url(self, process: subprocess.Popen[bytes], config: bytes) -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(config)
            process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], _START_SECONDS)
            return json.loads(process.stdout.readline() if ready else b"")["url"]
        except (OSError, ValueError) as error:
            self._note_death()
            raise UpstreamUnavailable(
                f"The local chat model {self._gguf.name} could not be started. See {self._log_path};"
                " if the file is damaged, remove it and run `ragsql models pull`."
            ) from error

    def _stop(self) -> None:
        if (process := self._process) is None:
            return
        with ExitStack() as pipes:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipes.callback(pipe.close)
            process.kill()
            process.wait()
        self._process = self._endpoint = None
