"""Short deadlines of the service, made long: a busy machine is no slow server. Tests of a deadline set their own."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest

SECONDS = 60.0
HANG_SECONDS = 2 * SECONDS
"""For so long servers of tests that hang do so, unless they are released."""
ADAPTERS = "service.adapters"
SHORT = {
    f"{ADAPTERS}.blobs.s3": ("_CHECK_SECONDS",),
    f"{ADAPTERS}.caches.redis": ("_CHECK_SECONDS", "_CLEAR_SECONDS"),
    f"{ADAPTERS}.databases.postgres": ("_EXPLAIN_SECONDS", "_PROOF_SECONDS"),
    f"{ADAPTERS}.databases.sqlite": ("_EXPLAIN_SECONDS", "_PROOF_SECONDS", "_INTROSPECTION_SECONDS"),
    f"{ADAPTERS}.embedders.openai": ("_QUERY_TIMEOUT_SECONDS",),
    f"{ADAPTERS}.openai_sdk": ("_CHECK_SECONDS",),
    f"{ADAPTERS}.records.file_check": ("_BUSY_SECONDS",),
    f"{ADAPTERS}.traces.otlp": ("_CHECK_SECONDS", "_CLOSE_SECONDS"),
    f"{ADAPTERS}.vectors.pinecone": ("_CHECK_SECONDS", "_SEARCH_SECONDS"),
    f"{ADAPTERS}.vectors.pinecone_sdk": ("READ_SECONDS", "_PROBE_SECONDS"),
    "service.usecases.check_answer": ("TIMEOUT_SECONDS",),
    "service.usecases.check_health": ("DEADLINE_SECONDS", "FIRST_SECONDS"),
}


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """For what runs in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for module, names in SHORT.items():
            for name in names:
                patch.setattr(import_module(module), name, SECONDS)
        parser = import_module(f"{ADAPTERS}.parsers.parser").DocumentParser
        patch.setitem(parser.__init__.__kwdefaults__, "seconds_a_page", 2 * SECONDS)
        yield
