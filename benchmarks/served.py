"""`ragsql serve` as a process of its own over the sample data."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

_PORT = re.compile(r"(?:127\.0\.0\.1:|^)(\d+)")


@contextmanager
def served(folder: Path, settings: Mapping[str, str] | None = None) -> Generator[int]:
    """The port of a service whose state is in folder, with the sample document searchable.

    Its local chat model is missing, unless settings name another.
    """
    environment = {"RAGSQL_DATA_DIR": str(folder), "RAGSQL_LOCAL_MODEL": str(folder / "none.gguf"), **(settings or {})}
    with listening("service.cli.main", ("serve", "--port", "0"), environment) as port:
        yield port


@contextmanager
def listening(module: str, arguments: tuple[str, ...], environment: Mapping[str, str]) -> Generator[int]:
    """The port that a Python module listens on and names in its first line."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            found = _PORT.search(process.stdout.readline())
            if not found:
                raise RuntimeError(f"{module} did not start")
            yield int(found[1])
        finally:
            process.terminate()
