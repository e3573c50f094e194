"""An account in which ragsql is live, and images of it that behave in different ways."""

from __future__ import annotations

import hashlib
import json
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import release
from service import samples
from tests.aws_lambda import runtime_api
from tests.deploy import fake_aws
from tests.deploy.fake_aws import FakeAws, Runtime
from tests.scripted_model import scripted_model

ROOT = Path(__file__).parents[2]
REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
FUNCTIONS = (release.FUNCTION, f"{release.FUNCTION}-ingest")
ONE_LIVE: list[tuple[str, dict[str, float]]] = [("1", {}), ("1", {})]
TWO_LIVE: list[tuple[str, dict[str, float]]] = [("2", {}), ("2", {})]
SQL = "How big is a typical order, on average?"


BUCKET = "rag-cache-123456789012"


@pytest.fixture(scope="package")
def handler(s3_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """lambda_handler.handler in awslambdaric, with a scripted chat model, the sample database and files in S3."""
    with scripted_model() as model:
        environ = {
            "RAGSQL_DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "DATABASE_URL": samples.DATABASE_URL,
            "OPENAI_BASE_URL": model,
            "STORAGE_BACKEND": "s3",
            "S3_CACHE_BUCKET": BUCKET,
            "RAGSQL_INGEST_EVENTS_FROM_BYTES": "262144",
            "AWS_ENDPOINT_URL": s3_url,
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        with runtime_api.running("lambda_handler.handler", environ) as function:
            yield function.invoke


@dataclass(frozen=True)
class Account:
    """An account where version 1 of both functions is live, and runs the image `first`."""

    aws: FakeAws
    first: str = ""

    def push(self, name: str, runtime: Runtime) -> str:
        """The URI of an image in ECR that runs so."""
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        config = {"size": 1, "digest": name}
        manifest: dict[str, Any] = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}
        digest = f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"
        self.aws.client("ecr").put_image(
            repositoryName=release.FUNCTION, imageManifest=json.dumps(manifest), imageDigest=digest, imageTag=name
        )
        self.aws.runtimes[digest] = runtime
        return f"{REGISTRY}/{release.FUNCTION}@{digest}"

    def arguments(self, image: str) -> list[str]:
        """Of deploy/release.py."""
        return ["release", image, "--sql-question", SQL, "--watch", "0.05"]

    def bring_in(self, image: str, *more: str) -> int:
        """The exit code of a release."""
        return release.main([*self.arguments(image), *more])

    def live(self) -> list[tuple[str, dict[str, float]]]:
        """Where the aliases lead."""
        return [self.aws.alias(function) for function in FUNCTIONS]

    def ask(self, method: str, path: str) -> dict[str, Any]:
        """What `live` answers to an HTTP request."""
        reply = self.aws.invoke(FUNCTIONS[0], "live", runtime_api.url_event(method, path))
        assert reply["statusCode"] == 200
        return json.loads(reply["body"])

    def files(self) -> list[str]:
        """The keys in the bucket."""
        return [each["Key"] for each in self.moto("s3").list_objects_v2(Bucket=BUCKET).get("Contents", ())]

    def moto(self, service: str) -> Any:
        """boto3's client, whose calls nobody sees."""
        return self.aws.client(service, self.aws.moto_url)

    def topic(self) -> tuple[str, str]:
        """The URL of a queue that gets what is published to a topic, and the topic's ARN."""
        queue = self.moto("sqs").create_queue(QueueName=uuid.uuid4().hex)["QueueUrl"]
        topic = self.moto("sns").create_topic(Name=uuid.uuid4().hex)["TopicArn"]
        attributes = self.moto("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
        self.moto("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=attributes["QueueArn"])
        return queue, topic

    def told(self, queue: str) -> list[str]:
        """What was published, as JSON."""
        return [each["Body"] for each in self.moto("sqs").receive_message(QueueUrl=queue).get("Messages", ())]


@pytest.fixture
def account(s3_url: str, handler: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """A new account. The AWS settings of the process lead to it."""
    monkeypatch.setenv("MOTO_LAMBDA_STUB_ECR", "false")
    with fake_aws.running(s3_url) as aws:
        values = {"ENDPOINT_URL": aws.url, "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}
        for name, value in {**values, "DEFAULT_REGION": "eu-central-1", "MAX_ATTEMPTS": "1"}.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        made = _made(Account(aws), handler)
        yield made
    urllib.request.urlopen(urllib.request.Request(f"{s3_url}/moto-api/reset", method="POST"), timeout=60).close()


def _made(account: Account, handler: Runtime) -> Account:
    aws = account.aws
    aws.client("ecr").create_repository(repositoryName=release.FUNCTION)
    account.moto("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    first = account.push("first", handler)
    role = _role(aws)
    for function in FUNCTIONS:
        aws.client("lambda").create_function(
            FunctionName=function, PackageType="Image", Code={"ImageUri": first}, Role=role, Timeout=900
        )
        aws.client("lambda").publish_version(FunctionName=function)
        aws.client("lambda").create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    aws.calls.clear()
    aws.invoked.clear()
    return replace(account, first=first)


def _role(aws: FakeAws) -> str:
    iam = aws.client("iam")
    try:
        return iam.get_role(RoleName="lambda")["Role"]["Arn"]
    except iam.exceptions.NoSuchEntityException:
        return iam.create_role(RoleName="lambda", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
