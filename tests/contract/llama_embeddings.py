"""llama.cpp's OpenAI-compatible server with embeddings on, in a process of its own, for the tests of the embedder.

Run as `python -m tests.contract.llama_embeddings GGUF`: prints the server's URL and serves until its input ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any


@contextmanager
def serving(gguf: Path) -> Generator[str]:
    """Yields what OPENAI_BASE_URL is set to."""
    command = [sys.executable, "-m", "tests.contract.llama_embeddings", str(gguf)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip() + "/v1"
        finally:
            process.kill()


def main() -> None:
    answers = os.dup(1)
    os.dup2(2, 1)
    os.environ["OMP_WAIT_POLICY"] = "passive"
    xllamacpp: Any = import_module("xllamacpp")
    params: Any = xllamacpp.CommonParams()
    params.model.path = sys.argv[1]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.n_ctx, params.n_parallel, params.warmup, params.fit_params, params.ui = 512, 1, False, False, False
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads, cpu.poll = 1, 0
    server = xllamacpp.Server(params)
    with os.fdopen(answers, "w") as out:
        out.write(server.listening_address + "\n")
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
