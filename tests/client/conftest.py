"""A server whose answers are known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client.fake_server import FakeServices, serving


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()


@pytest.fixture
def url(services: FakeServices) -> Iterator[str]:
    with serving(services) as url:
        yield url
