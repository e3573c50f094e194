"""Who is asking."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The identity every use case and every port call carries.

    tenant separates data: nothing stored for one tenant is ever visible to another.
    principal is who acts inside the tenant.
    """

    tenant: str = "default"
    principal: str = "anonymous"


DEFAULT_CALLER = Caller()
