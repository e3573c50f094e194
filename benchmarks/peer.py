"""`python -m benchmarks.peer FILE`: a bare FastAPI service that answers every question with the JSON of FILE."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel


class Asked(BaseModel):
    """What Query takes, as far as the benchmark sends it."""

    query: str


def main() -> None:
    """Listen on a free port, say which, and serve as `ragsql serve` does."""
    content = Path(sys.argv[1]).read_bytes()
    answer = json.loads(content)
    app = FastAPI()

    @app.post("/query")
    async def query(request: Asked) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        return answer

    @app.post("/bytes")
    async def encoded(request: Asked) -> Response:  # pyright: ignore[reportUnusedFunction]
        return Response(content, media_type="application/json")

    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        print(listener.getsockname()[1], flush=True)
        config = uvicorn.Config(app, http="httptools", loop="uvloop", access_log=False, log_level="warning")
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
