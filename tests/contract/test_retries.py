"""The policy by which vendors are asked again."""

from __future__ import annotations

import asyncio
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.adapters.retries import ATTEMPTS, retry_after, retrying

pytestmark = pytest.mark.anyio


class Failed(Exception):
    """A vendor's error."""


class Vendor:
    """Fails so many times."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise Failed(f"secret {self.calls}")
        return "answer"


@given(
    value=st.none()
    | st.text()
    | st.floats().map(str)
    | st.datetimes().map(lambda time: time.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    | st.from_regex(r"\w{3}, \d{1,30} \w{3} \d{1,30} \d\d:\d\d:\d\d GMT")
)
def test_any_header_is_read_as_a_wait_that_is_not_negative(value: str | None) -> None:
    assert retry_after(value) >= 0


@pytest.mark.parametrize("failures", range(ATTEMPTS + 1))
async def test_it_asks_so_often_and_logs_no_word_of_the_vendor(
    retries: None, caplog: pytest.LogCaptureFixture, failures: int
) -> None:
    caplog.set_level(logging.DEBUG)
    vendor = Vendor(failures)
    if failures < ATTEMPTS:
        assert await retrying(vendor, lambda _: 0.0, 10) == "answer"
    else:
        with pytest.raises(Failed, match=f"secret {ATTEMPTS}"):
            await retrying(vendor, lambda _: 0.0, 10)
    assert vendor.calls == min(failures + 1, ATTEMPTS)
    assert "secret" not in caplog.text
    assert caplog.text.count("Failed: asked again") == vendor.calls - 1


async def test_what_is_no_use_is_not_asked_again(retries: None) -> None:
    vendor = Vendor(1)
    with pytest.raises(Failed):
        await retrying(vendor, lambda _: None, 10)
    assert vendor.calls == 1


async def test_cancelling_ends_it(retries: None) -> None:
    calls = 0

    async def work() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Failed
        await asyncio.sleep(60)

    asking = asyncio.create_task(retrying(work, lambda _: 0.0, 100))
    while calls < 2:
        await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert calls == 2
