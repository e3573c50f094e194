"""The templates in deploy/: valid, and nothing in them is more open than it must be."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from service import settings
from tests.deploy.cloudformation import (
    DEPLOY,
    RESOURCES,
    TEMPLATE,
    as_list,
    leaves,
    load,
    of_type,
    properties,
    statements,
)

TEMPLATES = ("template.yaml", "github.yaml")
URL, INGEST = "rag-text-to-sql-serverless", "rag-text-to-sql-serverless-ingest"
WITHOUT_RESOURCES = {"ecr:GetAuthorizationToken", "cloudwatch:GetMetricData"}
"""Actions that IAM allows on everything or not at all."""
SECRET = re.compile(r"KEY|SECRET|PASSWORD|TOKEN|_URL$", re.IGNORECASE)


@pytest.mark.parametrize("name", TEMPLATES)
def test_cfn_lint_finds_nothing(name: str) -> None:
    linted = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", "--include-checks", "I", "--", DEPLOY / name],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize("name", TEMPLATES)
def test_cloudformation_takes_it(name: str) -> None:
    text = (DEPLOY / name).read_text()
    assert len(text.encode()) < 51_200, "larger templates must be in S3"
    assert not re.search(r"(?m)[:-] [&*]\w", text), "CloudFormation refuses YAML aliases"


@pytest.mark.parametrize("name", TEMPLATES)
def test_rights_are_named_one_by_one(name: str) -> None:
    allowed = [(owner, one) for owner, one in statements(load(name)) if one["Effect"] == "Allow"]
    assert len(allowed) > 3
    for owner, statement in allowed:
        actions = as_list(statement["Action"])
        assert not [action for action in actions if "*" in action], f"{owner}: {actions}"
        if statement.get("Resource") == "*":
            assert set(actions) <= WITHOUT_RESOURCES, f"{owner}: {actions} on everything"
        assert statement.get("Principal") != "*", owner


def test_what_is_denied_is_denied_to_all() -> None:
    denied = {owner: one for owner, one in statements(TEMPLATE) if one["Effect"] == "Deny"}
    assert set(denied) == {"BucketPolicy", "DeadLettersPolicy"}
    for statement in denied.values():
        assert statement["Principal"] == "*"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": False}}


def test_services_of_other_accounts_may_nothing() -> None:
    for name, permission in of_type("AWS::Lambda::Permission").items():
        if str(permission["Principal"]).endswith(".amazonaws.com"):
            assert permission["SourceArn"] == {"Fn::GetAtt": ["Arrived", "Arn"]}, f"{name}: a rule of this account"
    (statement,) = properties("AlarmsPolicy")["PolicyDocument"]["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize(
    ("name", "function", "image"),
    [
        ("UrlFunction", URL, "ImageUri"),
        ("IngestFunction", INGEST, "ImageUri"),
        ("StreamFunction", f"{URL}-stream", "StreamImageUri"),
    ],
)
def test_functions(name: str, function: str, image: str) -> None:
    made = properties(name)
    assert made["FunctionName"] == function
    assert made["PackageType"] == "Image"
    assert made["Architectures"] == ["x86_64"]
    assert made["Code"] == {"ImageUri": {"Ref": image}}
    assert made["Timeout"] == 900
    assert made["EphemeralStorage"] == {"Size": 10240}
    memory = made["MemorySize"]
    assert (memory if isinstance(memory, int) else TEMPLATE["Parameters"][memory["Ref"]]["Default"]) == 3008
    reserved = made["ReservedConcurrentExecutions"]["Fn::If"][1]["Ref"]
    assert TEMPLATE["Parameters"][reserved]["Default"] > 0


@pytest.mark.parametrize("parameter", ["ImageUri", "StreamImageUri"])
def test_an_image_is_named_by_its_digest(parameter: str) -> None:
    pattern = TEMPLATE["Parameters"][parameter]["AllowedPattern"]
    image = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/rag-text-to-sql-serverless"
    assert re.search(pattern, f"{image}@sha256:{'0' * 64}")
    assert re.search(pattern, "")
    assert not re.search(pattern, f"{image}:latest")


def test_traffic_goes_to_the_alias() -> None:
    for alias in of_type("AWS::Lambda::Alias").values():
        assert alias["Name"] == "live"
    url = properties("Url")
    assert url["Qualifier"] == "live"
    assert url["TargetFunctionArn"] == {"Fn::GetAtt": ["UrlFunction", "Arn"]}
    assert properties("Bucket")["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }
    assert [target["Arn"] for target in properties("Arrived")["Targets"]] == [{"Ref": "IngestLive"}]
    assert properties("ArrivedInvokesIngest")["FunctionName"] == {"Ref": "IngestLive"}
    assert properties("IngestFailures")["Qualifier"] == "live"


@pytest.mark.parametrize("target", ["UrlLive", "StreamFunction"])
def test_a_url_has_both_permissions(target: str) -> None:
    by_action = {
        permission["Action"]: permission
        for permission in of_type("AWS::Lambda::Permission").values()
        if permission["FunctionName"] == {"Ref": target}
    }
    assert set(by_action) == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}
    assert by_action["lambda:InvokeFunctionUrl"]["FunctionUrlAuthType"] == {"Ref": "UrlAuthType"}
    assert by_action["lambda:InvokeFunction"]["InvokedViaFunctionUrl"] is True
    for permission in by_action.values():
        assert permission["Principal"] == {"Fn::If": ["IsPublic", "*", {"Ref": "AWS::AccountId"}]}


def test_what_browsers_may_do_is_what_the_service_says() -> None:
    from service.transport.cors import REQUEST_HEADERS, RESPONSE_HEADERS

    for url in of_type("AWS::Lambda::Url").values():
        assert tuple(url["Cors"]["AllowHeaders"]) == REQUEST_HEADERS
        assert tuple(url["Cors"]["ExposeHeaders"]) == RESPONSE_HEADERS
        assert url["Cors"]["AllowOrigins"] == {"Ref": "CorsOrigins"}
        assert url["AuthType"] == {"Ref": "UrlAuthType"}
    for function in of_type("AWS::Lambda::Function").values():
        assert "RAGSQL_CORS_ORIGINS" not in function["Environment"]["Variables"], "headers that come twice are refused"


def test_how_answers_are_sent() -> None:
    assert properties("Url")["InvokeMode"] == "BUFFERED"
    assert properties("StreamUrl")["InvokeMode"] == "RESPONSE_STREAM"


def test_the_bucket_is_closed() -> None:
    bucket = properties("Bucket")
    assert bucket["BucketName"] == {"Fn::Sub": "rag-cache-${AWS::AccountId}"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert any("AbortIncompleteMultipartUpload" in rule for rule in bucket["LifecycleConfiguration"]["Rules"])
    assert not any("ExpirationInDays" in rule for rule in bucket["LifecycleConfiguration"]["Rules"])


def test_everything_at_rest_is_encrypted() -> None:
    assert properties("Repository")["EncryptionConfiguration"] == {"EncryptionType": "AES256"}
    assert properties("DeadLetters")["SqsManagedSseEnabled"] is True


def test_no_secret_stands_in_the_environment() -> None:
    known = {name for name, _, _ in settings.described()}
    for name, function in of_type("AWS::Lambda::Function").items():
        variables = function["Environment"]["Variables"]
        assert set(variables) <= known, name
        assert variables.pop("RAGSQL_SECRETS") == {"Ref": "Secrets"}
        assert int(variables["RAGSQL_INGEST_EVENTS_FROM_BYTES"]) <= 1024**2, (
            "a long file never holds a question's place"
        )
        assert not [variable for variable in variables if SECRET.search(variable)], name
    assert properties("Secrets")["SecretString"] == "{}"
    assert not [leaf for leaf in leaves(TEMPLATE) if "{{resolve:" in str(leaf)], "it could be read in Lambda"
    assert not [name for name in TEMPLATE["Parameters"] if SECRET.search(name)]


def test_logs_end() -> None:
    groups = of_type("AWS::Logs::LogGroup")
    assert {group["LogGroupName"] for group in groups.values()} == {f"/aws/lambda/{URL}", f"/aws/lambda/{INGEST}"}
    for name, group in groups.items():
        assert group["RetentionInDays"] == {"Ref": "LogDays"}, name
    for function in of_type("AWS::Lambda::Function").values():
        assert function["LoggingConfig"]["LogGroup"]["Ref"] in groups


def test_what_fails_for_good_is_kept() -> None:
    failures = properties("IngestFailures")
    assert failures["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    assert properties("DeadLetters")["MessageRetentionPeriod"] == 14 * 86400
    for name in ("Bucket", "Secrets", "Repository", "DeadLetters"):
        assert (RESOURCES[name]["DeletionPolicy"], RESOURCES[name]["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_alarms() -> None:
    told = {"Ref": "Alarms"}
    watched = set[tuple[str, str]]()
    for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
        assert alarm["AlarmActions"] == [told], name
        metric = alarm["Metrics"][0]["MetricStat"]["Metric"] if "Metrics" in alarm else alarm
        watched.add((metric["MetricName"], str(metric["Dimensions"][0]["Value"])))
        if metric["Namespace"] == "AWS/Lambda":
            function, alias = metric["Dimensions"]
            assert alias == {"Name": "Resource", "Value": f"{function['Value']}:live"}, name
    for function in (URL, INGEST):
        assert {("Errors", function), ("Throttles", function), ("Duration", function)} <= watched
    assert any(metric == "ApproximateNumberOfMessagesVisible" for metric, _ in watched)
    notifications = properties("Budget")["NotificationsWithSubscribers"]
    assert [each["Subscribers"][0]["Address"] for each in notifications] == [told, told]


def test_only_the_production_environment_of_the_repository_deploys() -> None:
    role = load("github.yaml")["Resources"]["DeployRole"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    claims = trust["Condition"]["StringEquals"]
    assert claims["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
    assert claims["token.actions.githubusercontent.com:sub"] == {
        "Fn::Sub": "repo:${GitHubRepository}:environment:production"
    }
