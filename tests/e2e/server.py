"""A `ragsql serve` that can be killed and started again over the same folder."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
PATHS = os.pathsep.join(str(ROOT / part) for part in ("", "gen", "clients/python"))
LISTENS = re.compile(r"listens on (http://\S+?)\. ")
SECONDS = 180.0


class Server:
    """Documents only: no sample data, no chat model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[str] | None = None
        self.http = httpx.Client()

    def start(self) -> None:
        settings = {
            "RAGSQL_DATA_DIR": str(self.folder),
            "RAGSQL_SAMPLE_DATA": "false",
            "RAGSQL_LOCAL_MODEL": str(self.folder / "none.gguf"),
            "PYTHONPATH": PATHS,
        }
        command = [sys.executable, "-m", "service.cli.main", "serve", "--port", "0"]
        self._process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        found = LISTENS.search(self._process.stdout.readline())
        assert found, "the server did not start"
        self.http = httpx.Client(base_url=found[1], timeout=SECONDS, trust_env=False)

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, closed or said."""
        self.http.close()
        if self._process:
            self._process.kill()
            self._process.communicate()

    def reserve(self, filename: str, content: bytes) -> dict[str, Any]:
        announced = {"filename": filename, "sizeBytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        return self.http.post("/uploads", json=announced).raise_for_status().json()

    def ingest(self, filename: str, content: bytes) -> dict[str, Any]:
        """CreateUpload, PUT and Ingest; the document as Ingest returned it."""
        upload = self.reserve(filename, content)
        self.http.put(upload["url"], content=content, headers=upload["headers"]).raise_for_status()
        return self.http.post("/documents:ingest", json={"upload": upload["upload"]}).raise_for_status().json()

    def documents(self) -> list[dict[str, Any]]:
        return self.http.get("/documents").raise_for_status().json()["documents"]

    def wait(self, ready: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """The documents as soon as they are ready."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if ready(documents := self.documents()):
                return documents
            time.sleep(0.005)
        raise AssertionError(f"not ready: {self.documents()}")

    def settle(self) -> list[dict[str, Any]]:
        """The documents once nothing is in work."""
        unfinished = ("DOCUMENT_STATE_PENDING", "DOCUMENT_STATE_PROCESSING")
        return self.wait(lambda documents: all(one["state"] not in unfinished for one in documents))

    def ask(self, question: str) -> dict[str, Any]:
        return self.http.post("/query", json={"query": question}).raise_for_status().json()

    def files(self) -> set[str]:
        """Every stored blob, and whatever else lies in their folder but the key."""
        root = self.folder / "blobs"
        found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
        return {name.removeprefix("default/") for name in found} - {"~key"}
