"""A server whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from service.cli.main import app
from tests.client.fake_server import FakeServices, serving

Run = Callable[..., Result]


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()


@pytest.fixture
def url(services: FakeServices) -> Iterator[str]:
    with serving(services) as url:
        yield url


@pytest.fixture
def run(url: str) -> Run:
    """A command in this process, whose words are given."""

    def invoke(*words: str) -> Any:
        return CliRunner().invoke(app, list(words), env={"RAGSQL_URL": url, "COLUMNS": "200"})

    return invoke
