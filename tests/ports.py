"""Ports for servers that tests stop and start again."""

from __future__ import annotations

import secrets
import socket

# Below those that the system gives to outgoing connections, one of which could hold it when the server comes back.
FIRST, LAST = 20_000, 32_000


def free_port(host: str = "127.0.0.1") -> int:
    """One that nobody listens on."""
    for _ in range(100):
        port = FIRST + secrets.randbelow(LAST - FIRST)
        try:
            socket.create_server((host, port)).close()
        except OSError:
            continue
        return port
    raise AssertionError("no port is free")
