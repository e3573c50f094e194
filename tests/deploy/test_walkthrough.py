"""Every command of docs/deploy.md, in its order, in an account of the test's own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from release import _parser  # pyright: ignore[reportPrivateUsage]
from service.domain.monthly_cost import Payee, Workload, monthly_bill
from service.setting_secrets import SETTING
from tests.deploy.conftest import ONE_LIVE, ROOT, Account
from tests.deploy.fake_aws import Runtime

TEXT = (ROOT / "docs" / "deploy.md").read_text()
COMMANDS = [line for block in re.findall(r"^```sh\n(.*?)^```$", TEXT, re.M | re.S) for line in block.splitlines()]


def test_it_works_as_written(account: Account, handler: Runtime, tmp_path: Path) -> None:
    image = account.push("second", handler)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("aws", "docker"):
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.deploy.stub_aws {name} "$@"\n')
        (programs / name).chmod(0o755)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / ".venv/bin/ragsql").write_text(f'#!/bin/sh\nexec {sys.executable} -m service.cli.main "$@"\n')
    for program in (tmp_path / ".venv" / "bin").iterdir():
        program.chmod(0o755)
    for folder in ("deploy", "gen"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    environ = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("", "gen", "clients/python")),
        "AWS_REGION": "eu-central-1",
        "DIGEST": image.partition("@")[2],
    }
    ran = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", "\n".join(COMMANDS)],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert account.live() == ONE_LIVE, "the last thing that is shown is how a release is taken back"
    assert "Released sha256:" in ran.stdout
    assert "Nothing to do" in ran.stdout
    assert (tmp_path / "cost.html").exists()


def test_what_it_says_is_so() -> None:
    assert len(COMMANDS) >= 18
    assert SETTING in TEXT
    template = (ROOT / "deploy/template.yaml").read_text()
    alarms = re.findall(r"^  (\w+):\n    Type: AWS::CloudWatch::Alarm$", template, re.M)
    assert [alarm for alarm in alarms if alarm not in TEXT] == []
    assert {"release", "rollback"} <= set(re.findall(r"release\.py`? (\w+)", TEXT))
    assert "rollback" in _parser().format_help()


def test_its_figures_are_those_of_ragsql_cost() -> None:
    bill = monthly_bill(Workload(requests=100_000))
    usd = {line.item: line.usd for line in bill.lines}
    plans = usd["Pinecone"] + usd["Supabase"]
    chat, aws = usd["Questions: gpt-4o"], bill.total(Payee.AWS)
    said = " ".join(TEXT.split())
    assert f"Of {bill.total():.0f} dollars for 100,000 questions, {chat:.0f} go to gpt-4o, {plans:.0f} to the" in said
    assert f"and {aws:.0f} to AWS, {usd['Lambda compute']:.0f} of that" in said
    assert f"{usd['CloudWatch metrics']:.2f} for metrics" in said
    cheaper = monthly_bill(Workload(requests=100_000), "gpt-4o-mini")
    assert f"makes {cheaper.total():.0f} of it, of which services are {cheaper.total(Payee.SERVICES):.0f}" in said
