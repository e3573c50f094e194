"""Settings that come from a secret, read from a server that speaks AWS's protocols."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from service import settings
from service.errors import SettingsError


@pytest.fixture
def aws(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A session whose calls, like those of the code under test, lead to a server of the test run's own."""
    import boto3

    values = {"ENDPOINT_URL": s3_url, "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "DEFAULT_REGION": "us-east-1"}
    for name, value in values.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    sdk: Any = boto3
    return sdk.session.Session()


def in_secrets_manager(aws: Any, text: str) -> str:
    return aws.client("secretsmanager").create_secret(Name=uuid.uuid4().hex, SecretString=text)["ARN"]


def in_ssm(aws: Any, text: str) -> str:
    name = f"/ragsql/{uuid.uuid4().hex}"
    ssm = aws.client("ssm")
    ssm.put_parameter(Name=name, Value=text, Type="SecureString")
    return ssm.get_parameter(Name=name)["Parameter"]["ARN"]


@pytest.mark.parametrize("keep", [in_secrets_manager, in_ssm])
def test_the_environment_holds_and_the_secret_adds(aws: Any, keep: Any) -> None:
    secret = {"OPENAI_API_KEY": "of-the-secret", "RAGSQL_CHAT_MODEL": "theirs", "RAGSQL_SQL_MAX_ROWS": 7}
    arn = keep(aws, json.dumps(secret))
    read = settings.load({"RAGSQL_SECRETS": arn, "RAGSQL_CHAT_MODEL": "ours", "RAGSQL_SQL_MAX_ROWS": " "})
    assert (read.openai_api_key, read.chat_model, read.sql_max_rows) == ("of-the-secret", "ours", 7)
    assert (read.chat, read.embedder) == ("openai", "openai")
    assert "of-the-secret" not in repr(read)


def test_names_of_a_newer_version_are_left_out(aws: Any, caplog: pytest.LogCaptureFixture) -> None:
    arn = in_secrets_manager(aws, json.dumps({"RAGSQL_FROM_TOMORROW": "x", "USE_DOCLING": False}))
    assert settings.load({"RAGSQL_SECRETS": arn}).use_docling is False
    assert "RAGSQL_FROM_TOMORROW" in caplog.text
    assert "USE_DOCLING" not in caplog.text


@pytest.mark.parametrize("text", ["", "key", '["key"]', '{"OPENAI_API_KEY": null}', '{"OPENAI_API_KEY": {"a": "b"}}'])
def test_what_is_no_object_of_settings_is_refused_without_showing_it(aws: Any, text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings.load({"RAGSQL_SECRETS": in_secrets_manager(aws, text or " ")})
    assert list(refused.value.problems) == ["RAGSQL_SECRETS"]
    assert '"b"' not in str(refused.value.problems)


@pytest.mark.parametrize("kind", ["secretsmanager", "ssm"])
def test_a_secret_that_is_not_there(aws: Any, kind: str) -> None:
    del aws
    name = "secret:none" if kind == "secretsmanager" else "parameter/none"
    with pytest.raises(SettingsError) as refused:
        settings.load({"RAGSQL_SECRETS": f"arn:aws:{kind}:us-east-1:123456789012:{name}"})
    assert "NotFound" in refused.value.problems["RAGSQL_SECRETS"]


def test_a_server_that_does_not_answer(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    del aws
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(SettingsError) as refused:
        settings.load({"RAGSQL_SECRETS": "arn:aws:secretsmanager:us-east-1:123456789012:secret:none"})
    assert "EndpointConnectionError" in refused.value.problems["RAGSQL_SECRETS"]


@pytest.mark.parametrize("arn", ["rag-text-to-sql-serverless", "arn:aws:s3:::bucket", "arn:aws:s3:us-east-1:1:x"])
def test_other_names_are_refused(arn: str) -> None:
    with pytest.raises(SettingsError, match="RAGSQL_SECRETS"):
        settings.load({"RAGSQL_SECRETS": arn})
