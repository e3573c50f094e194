"""Fixtures of the whole service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.adapters.parsers.parser import DocumentParser
from tests.contract.openai_server import OpenAIServer


@pytest.fixture(scope="module")
def parser() -> Iterator[DocumentParser]:
    """One for the tests of a file: its first document costs an import."""
    shared = DocumentParser()
    yield shared
    shared.close()


@pytest.fixture
def openai() -> Iterator[OpenAIServer]:
    """The strict scripted one."""
    server = OpenAIServer()
    yield server
    server.close()
