"""Settings that come from a secret, read from a server that speaks AWS's protocols."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import settings
from service.aws_call import Credentials, sign
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
    with pytest.raises(SettingsError) as refused:
        settings.load({"RAGSQL_SECRETS": "arn:aws:secretsmanager:us-east-1:123456789012:secret:none"})
    assert "not reached" in refused.value.problems["RAGSQL_SECRETS"]


@pytest.mark.parametrize("arn", ["rag-text-to-sql-serverless", "arn:aws:s3:::bucket", "arn:aws:s3:us-east-1:1:x"])
def test_other_names_are_refused(arn: str) -> None:
    with pytest.raises(SettingsError, match="RAGSQL_SECRETS"):
        settings.load({"RAGSQL_SECRETS": arn})


texts = st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"]), min_size=1, max_size=60)


@given(texts, texts, st.just("") | texts, st.binary(max_size=200), st.sampled_from(["secretsmanager", "ssm"]))
def test_calls_are_signed_as_the_sdk_signs_them(key: str, secret: str, token: str, body: bytes, service: str) -> None:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as TheirCredentials

    url = f"https://{service}.eu-central-1.amazonaws.com"
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "a.B"}
    theirs: Any = AWSRequest("POST", f"{url}/", headers, body)
    signer: Any = SigV4Auth(TheirCredentials(key, secret, token or None), service, "eu-central-1")
    signer.add_auth(theirs)
    now = dt.datetime.strptime(theirs.context["timestamp"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    ours = sign(service, "eu-central-1", url, "a.B", body, Credentials(key, secret, token), now)
    assert ours["authorization"] == theirs.headers["Authorization"]


def test_the_sdk_is_not_needed_where_the_environment_has_credentials(aws: Any) -> None:
    arn = in_secrets_manager(aws, '{"OPENAI_API_KEY": "k"}')
    program = "import sys; from service import settings; settings.load(); print('boto3' in sys.modules)"
    environ = {**os.environ, "RAGSQL_SECRETS": arn}
    ran = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"


def test_credentials_that_only_the_sdk_finds(aws: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    arn = in_secrets_manager(aws, '{"OPENAI_API_KEY": "k"}')
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = a\naws_secret_access_key = b\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    assert settings.load({"RAGSQL_SECRETS": arn}).openai_api_key == "k"
    file.write_text("")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(SettingsError, match="there are no credentials"):
        settings.load({"RAGSQL_SECRETS": arn})


@pytest.mark.parametrize(("answers", "calls"), [((500, 429, 200), 3), ((500, 500, 500), 3), ((400,), 1)])
def test_it_asks_again_while_that_may_help(
    aws: Any, monkeypatch: pytest.MonkeyPatch, answers: tuple[int, ...], calls: int
) -> None:
    del aws
    left, asked = list(answers), list[str]()

    class Busy(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...

        def do_POST(self) -> None:
            status = left.pop(0)
            asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            body = {"SecretString": "{}"} if status == 200 else {"__type": "x#ThrottlingException"}
            content = json.dumps(body if status != 400 else {"__type": "AccessDenied"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:x"
    try:
        if answers[-1] == 200:
            assert settings.load({"RAGSQL_SECRETS": arn}).secrets == arn
        else:
            with pytest.raises(SettingsError, match="AccessDenied" if calls == 1 else "not reached"):
                settings.load({"RAGSQL_SECRETS": arn})
    finally:
        server.shutdown()
        server.server_close()
    assert len(asked) == calls
