"""A release that is refused, killed or stopped at each of its steps."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.deploy.conftest import FUNCTIONS, ONE_LIVE, ROOT, TWO_LIVE, Account
from tests.deploy.fake_aws import Refused, Runtime

STEPS = 42
"""Calls of a release that looks once at each share."""


def test_every_call_refused_in_turn(account: Account, handler: Runtime) -> None:
    """Each time with an image of its own, whose release needs every step."""
    refused_at: list[str] = []
    while len(refused_at) < 100:
        left = len(refused_at)

        def refuse(call: str) -> None:
            nonlocal left
            left -= 1
            if left == -1:
                refused_at.append(call)
                raise Refused(f"{call} is not allowed")

        image = account.push(f"image {len(refused_at)}", handler)
        before, asked = account.live(), len(refused_at)
        account.aws.before = refuse
        code = account.bring_in(image, "--watch", "0")
        account.aws.before = lambda call: None
        if len(refused_at) == asked:
            assert code == 0
            break
        assert code == 1, refused_at[-1]
        assert account.live() == before, refused_at[-1]
        assert account.ask("GET", "/health")["components"], refused_at[-1]
        assert account.files() == [], refused_at[-1]
    assert len(refused_at) == STEPS
    assert {"DescribeImages", "PUT code", "POST versions", "POST invocations", "PUT live"} <= set(refused_at)


@pytest.mark.parametrize(("call", "times"), [("PUT code", 1), ("POST versions", 2), ("PUT live", 1), ("PUT live", 4)])
def test_killed_and_run_again(account: Account, handler: Runtime, call: str, times: int) -> None:
    image = account.push("second", handler)
    process = start(account, image)

    def kill(called: str) -> None:
        if called == call and account.aws.calls.count(call) == times:
            process.kill()
            process.wait()

    account.aws.before = kill
    assert process.wait(240) == -signal.SIGKILL
    account.aws.before = lambda call: None
    assert account.ask("GET", "/health")["components"]
    assert account.bring_in(image) == 0
    assert account.live() == TWO_LIVE


def test_what_was_cut_off_can_be_taken_back(account: Account, handler: Runtime) -> None:
    import release

    account.bring_in(account.push("second", handler))
    account.aws.client("lambda").update_alias(
        FunctionName=FUNCTIONS[0],
        Name="live",
        FunctionVersion="2",
        RoutingConfig={"AdditionalVersionWeights": {"1": 0.1}},
    )
    assert release.main(["rollback"]) == 0
    assert account.live()[0] == ("2", {})


def test_an_alias_that_can_no_longer_be_moved_needs_a_person(account: Account, handler: Runtime) -> None:
    def refuse(call: str) -> None:
        if call == "PUT live" and account.aws.calls.count(call) > 2:
            raise Refused("no more")

    account.aws.before = refuse
    assert account.bring_in(account.push("second", handler)) == 3
    assert account.live() == [("1", {"2": 0.1})] * 2, "both versions were found to serve"


def test_stopped(account: Account, handler: Runtime) -> None:
    process = start(account, account.push("second", handler))

    def stop(called: str) -> None:
        if called == "GetMetricData":
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGINT)

    account.aws.before = stop
    assert process.wait(240) == 1
    assert account.live() == ONE_LIVE


def start(account: Account, image: str) -> subprocess.Popen[bytes]:
    """The program itself; the environment leads it to the account."""
    return subprocess.Popen([sys.executable, ROOT / "deploy" / "release.py", *account.arguments(image)])
