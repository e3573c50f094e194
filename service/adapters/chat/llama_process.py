"""The process of the local chat model: llama.cpp's OpenAI-compatible server on 127.0.0.1.

Run as `python -m service.adapters.chat.llama_process`. Reads one line of JSON from stdin (gguf, threads, context,
api_key) and writes one to stdout once the model is loaded (url). Logs to stderr. Ends when stdin does, so that it
never outlives who started it.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

_PROMPT_CACHE_MIB = 512


def _parameters(xllamacpp: Any, config: dict[str, Any]) -> Any:
    params: Any = xllamacpp.CommonParams()
    params.model.path = config["gguf"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [config["api_key"]]
    params.n_ctx = config["context"]
    # One slot keeps one prefix warm; those of other prompts wait in the prompt cache.
    params.n_parallel = 1
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = config["threads"]
        cpu.poll = 0
    params.fit_params = False
    params.warmup = False
    params.ui = False
    params.endpoint_slots = False
    return params


def main() -> None:
    """Serve until stdin ends."""
    answers = os.dup(1)
    os.dup2(2, 1)
    config = json.loads(sys.stdin.buffer.readline())

    # Threads that spin while they wait starve everything else on a small machine. Read when the library loads.
    os.environ["OMP_WAIT_POLICY"] = "passive"
    xllamacpp: Any = import_module("xllamacpp")
    server = xllamacpp.Server(_parameters(xllamacpp, config))
    with os.fdopen(answers, "w") as out:
        out.write(json.dumps({"url": server.listening_address}) + "\n")
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
