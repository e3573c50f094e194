"""What an application on AWS Lambda cannot do without: Mangum, Starlette and one route."""

from __future__ import annotations

from mangum import Mangum
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "SERVING"})


handler = Mangum(Starlette(routes=[Route("/health", _health)]), lifespan="off")
