"""What every adapter can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from service.domain.health import ComponentHealth


class Checkable(Protocol):
    """An adapter whose health can be asked."""

    async def check(self) -> ComponentHealth:
        """Ask cheaply whether the backend answers. Never raises."""
        ...
