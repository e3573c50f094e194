"""Run by Lambda's Python over the image's files: which of them a cold start reads, until Health and until an answer.

Prints one JSON object a step, with the argument Health only that one: seconds since the process began, peak memory in
bytes, and the files with their sizes. Every file counts whole, shared libraries too, of which a process reads only
pages: no less is fetched than that.
"""

import json
import os
import sys
import time
from pathlib import Path

began = time.perf_counter()
opened: set[str] = set()


def note(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str):
        opened.add(str(Path(arguments[0]).absolute()))


def files() -> dict[str, int]:
    lines = Path("/proc/self/maps").read_text().splitlines()
    mapped = {line.split(maxsplit=5)[5].strip() for line in lines if "/" in line}
    skipped = ("/proc", "/sys", "/dev", "/etc", os.environ["RAGSQL_DATA_DIR"])
    found = [Path(path) for path in sorted(opened | mapped) if not path.startswith(skipped)]
    return {str(path): path.stat().st_size for path in found if path.is_file()}


def told(step: str, status: int) -> None:
    # Not by getrusage, which counts what the parent had when it forked.
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    memory = int(peak.split()[1]) * 1024
    seconds = time.perf_counter() - began
    line = {"step": step, "status": status, "seconds": seconds, "memory": memory, "files": files()}
    sys.stdout.write(json.dumps(line) + "\n")


sys.addaudithook(note)
from lambda_handler import handler  # noqa: E402


def invoke(method: str, path: str, body: str | None = None) -> int:
    event = {
        "version": "2.0",
        "rawPath": path,
        "headers": {"content-type": "application/json"} if body else {},
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}},
        "body": body,
    }
    return handler(event, None)["statusCode"]  # pyright: ignore[reportArgumentType]


told("Health", invoke("GET", "/health"))
if sys.argv[1:] != ["Health"]:
    told("Query", invoke("POST", "/query", '{"query": "Within how many days are refunds paid?"}'))
