"""Threads that give way to the event loop."""

from __future__ import annotations

import os
import sys
import threading

_NICENESS = 10


def step_back() -> None:
    """Lower the priority of the calling thread, where the system knows one for each. For work that holds no lock."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
