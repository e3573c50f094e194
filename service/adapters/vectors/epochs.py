"""How far a tenant's next epoch of passages is from the last one."""

from __future__ import annotations

import secrets

_MOST_STEP = 1 << 20


def step() -> int:
    """A random number, 1 or more: after a backup was put back, no change begins an epoch that was there before."""
    return 1 + secrets.randbelow(_MOST_STEP)
