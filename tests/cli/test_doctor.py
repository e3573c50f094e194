"""`ragsql doctor` says what is wrong, what to do, and nothing when all is well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import psycopg
import pytest
from typer.testing import CliRunner

from service.cli.main import app
from tests.sql.shop import make_sqlite


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "RAGSQL_DATA_DIR": str(tmp_path / "data"),
        "RAGSQL_SAMPLE_DATA": "false",
        "DATABASE_URL": f"sqlite:///{make_sqlite(tmp_path / 'shop.sqlite')}",
        "RAGSQL_LOCAL_MODEL": str(tmp_path / "none.gguf"),
        "COLUMNS": "200",
    }


def findings(environ: dict[str, str]) -> tuple[int, dict[str, dict[str, object]]]:
    result = CliRunner().invoke(app, ["doctor", "--json"], env=environ)
    return result.exit_code, {item["part"]: item for item in json.loads(result.stdout)}


def test_a_missing_model_is_the_only_problem(environ: dict[str, str]) -> None:
    code, found = findings(environ)
    assert code == 1
    assert [part for part, item in found.items() if not item["ok"]] == ["models", "chat"]
    assert "RAGSQL_LOCAL_MODEL" in str(found["models"]["advice"])
    assert "3 tables" in str(found["database"]["found"])
    assert "runs at once" in str(found["role"]["found"])


def test_with_approval_it_says_so(environ: dict[str, str]) -> None:
    _, found = findings(environ | {"RAGSQL_SQL_POLICY": "require_approval"})
    assert "waits for approval" in str(found["role"]["found"])


def test_a_database_that_is_not_there_is_named(environ: dict[str, str]) -> None:
    _, found = findings(environ | {"DATABASE_URL": "sqlite:////nowhere/none.db"})
    assert not found["database"]["ok"]
    assert "DATABASE_URL" in str(found["database"]["advice"])


def test_wrong_settings_are_told_in_words(environ: dict[str, str]) -> None:
    result = CliRunner().invoke(app, ["doctor"], env=environ | {"RAGSQL_PORT": "many"})
    assert result.exit_code == 1
    assert "RAGSQL_PORT" in result.stdout


def test_the_statements_it_prints_make_a_role_that_passes(environ: dict[str, str], postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute("CREATE DATABASE clinic")
    url = postgres_url.replace("/postgres?", "/clinic?")
    try:
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute("CREATE TABLE visits (id int PRIMARY KEY, reason text)")
            code, found = findings(environ | {"DATABASE_URL": url})
            assert code == 1
            assert not found["role"]["ok"]
            statements = found["role"]["sql"]
            assert isinstance(statements, list)
            for statement in cast(list[str], statements):
                owner.execute(statement.encode())
        reader = url.replace("postgres:@", "ragsql_reader:@").replace("postgres@", "ragsql_reader@")
        assert reader != url
        _, found = findings(environ | {"DATABASE_URL": reader})
        assert found["database"]["ok"]
        assert found["role"]["ok"], found["role"]
        assert "runs at once" in str(found["role"]["found"])
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as owner:
            owner.execute("DROP DATABASE clinic WITH (FORCE)")
            owner.execute("DROP ROLE IF EXISTS ragsql_reader")
