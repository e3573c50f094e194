"""How long /health takes while something else goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import httpx

EVERY_SECONDS = 0.02
LONGEST_SECONDS = 10.0


class Probe:
    """The milliseconds of every probe, and what went wrong with those that failed."""

    def __init__(self) -> None:
        self.milliseconds: list[float] = []
        self.failures: list[str] = []

    def watch(self, url: str, stop: threading.Event) -> None:
        """Ask every 20 ms, or as soon as the last answer is there, and once at least."""
        pause = 0.0
        with httpx.Client(base_url=url, timeout=LONGEST_SECONDS) as client:
            while not self.milliseconds or not stop.wait(pause):
                start = time.perf_counter()
                try:
                    response = client.get("/health")
                    if not response.is_success:
                        self.failures.append(f"HTTP {response.status_code}")
                except httpx.HTTPError as error:
                    self.failures.append(type(error).__name__)
                seconds = time.perf_counter() - start
                self.milliseconds.append(seconds * 1e3)
                pause = max(0.0, EVERY_SECONDS - seconds)


@contextmanager
def probing(url: str) -> Generator[Probe]:
    """Probe from a thread of its own until the block ends."""
    probe, stop = Probe(), threading.Event()
    thread = threading.Thread(target=probe.watch, args=(url, stop), daemon=True)
    thread.start()
    try:
        yield probe
    finally:
        stop.set()
        thread.join(LONGEST_SECONDS + 1)
