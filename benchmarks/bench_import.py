"""How long a fresh process imports the service, beside the libraries it cannot do without."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile

from benchmarks.figures import Figure, ratio

REPEATS = 9
HEAVY = (
    *("onnxruntime", "openai", "sqlalchemy", "sqlglot", "docling", "boto3", "pinecone", "redis", "pandas", "torch"),
    *("opentelemetry.sdk", "stamina"),
)
PEER = "import starlette, connectrpc.server, mangum"
SCRIPT = """
import sys, time
start = time.perf_counter()
{statement}
seconds = time.perf_counter() - start
print(seconds, sum(name in sys.modules for name in {heavy}))
"""


def run() -> list[Figure]:
    """Wall times in turn, after one round that compiles."""
    figures: list[Figure] = []
    for module in ("service.app", "lambda_handler"):
        _import(f"import {module}")
        _import(PEER)
        pairs = [(_import(f"import {module}"), _import(PEER)) for _ in range(REPEATS)]
        ours, theirs = [ours for (ours, _), _ in pairs], [theirs for _, (theirs, _) in pairs]
        heavy = max(count for (_, count), _ in pairs)
        beside = f"{PEER}: {statistics.median(theirs) * 1e3:.0f} ms"
        figures += [
            Figure(f"import {module}", ratio(ours, theirs), "x", REPEATS, 2.0, beside),
            Figure(f"heavy modules that {module} loads", heavy, "", REPEATS, 0, f"{len(HEAVY)} looked for"),
        ]
    return figures


def _import(statement: str) -> tuple[float, int]:
    """Seconds, and how many heavy modules were loaded."""
    script = SCRIPT.format(statement=statement, heavy=HEAVY)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "RAGSQL_DATA_DIR": folder, "RAGSQL_SAMPLE_DATA": "false"}
        done = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True)
    seconds, heavy = done.stdout.split()
    return float(seconds), int(heavy)
