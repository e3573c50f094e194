"""Events of other shapes than a Function URL usually sends: answered, or refused with a sentence, and never a crash."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.serverless.arrivals import UnknownEvent, arrivals
from service.serverless.urls import FunctionUrl
from service.transport.app import build_transport
from tests.aws_lambda.runtime_api import Function, running, url_event
from tests.transport.fakes import Fakes

JSON = {"content-type": "application/json"}
QUERY = json.dumps({"query": "q"})


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    environ = {"RAGSQL_DATA_DIR": str(tmp_path_factory.mktemp("data"))}
    with running("lambda_handler.handler", environ) as function:
        yield function


def health(**changes: Any) -> dict[str, Any]:
    return {**url_event("GET", "/health"), **changes}


def http(**changes: Any) -> dict[str, Any]:
    return {"http": {"method": "GET", "path": "/health", "sourceIp": "192.0.2.1", **changes}}


ANSWERED = {
    "no headers": health(headers=None),
    "headers that are no mapping": health(headers=["host"]),
    "a header without a value": health(headers={"host": None, "accept": None}),
    "several values of a header": health(headers={"host": ["a.test", "b.test"], "X-A": ["1", "2"], "x-a": "3"}),
    "an IPv6 host": health(headers={"host": "[::1]:8080"}),
    "a port that is none": health(headers={"host": "a.test:http", "x-forwarded-port": "https"}),
    "cookies": health(cookies=["a=1", "b=2"]),
    "cookies that are none": health(cookies="a=1"),
    "no cookies and no body": {key: value for key, value in health().items() if key not in ("body", "cookies")},
    "no raw path": {key: value for key, value in health().items() if key != "rawPath"},
    "no raw query": {key: value for key, value in health().items() if key != "rawQueryString"},
    "an empty body in base64": health(body="", isBase64Encoded=True),
    "no source": health(requestContext=http(sourceIp=None)),
    "a method in lower case": health(requestContext=http(method="get")),
    "no version": {key: value for key, value in health().items() if key != "version"},
    "an encoded path": health(rawPath="/he%61lth"),
    "headers in lists alone": {**health(headers=None), "multiValueHeaders": {"accept": ["a/b", "c/d"]}},
    "a header that comes twice": health(headers={"Accept": "a/b", "accept": "c/d"}),
    "a header of two lines": health(headers={"x-a": "a\r\nset-cookie: b"}),
    "headers of odd names": health(headers={"x-é": "ü", "x y": "z", "": "q"}),
    "more cookies than a browser has": health(cookies=[f"c{number}={'x' * 50}" for number in range(5000)]),
    "cookies of other types": health(cookies=[None, 3, {}]),
    "a query that is not for us": health(rawQueryString="", headers={"origin": "http://web.test"}),
}


@pytest.mark.parametrize("event", ANSWERED.values(), ids=ANSWERED.keys())
def test_what_can_be_understood_is_answered(function: Function, event: dict[str, Any]) -> None:
    response = function.invoke(event)
    assert (response["statusCode"], json.loads(response["body"])["version"]) == (200, "0.1.0")


def posted(body: Any, **changes: Any) -> dict[str, Any]:
    return {**url_event("POST", "/query", body, JSON), **changes}


V1 = {"version": "1.0", "path": "/health", "httpMethod": "GET", "headers": {"Host": "x"}, "body": None}
ELB = {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/t/1"}}
WEB_SOCKET = {"requestContext": {"routeKey": "$connect", "eventType": "CONNECT"}, "isBase64Encoded": False}

REFUSED = {
    "no method": (health(requestContext=http(method=None)), 400, "MALFORMED_REQUEST", "no HTTP method"),
    "no http": (health(requestContext={}), 400, "MALFORMED_REQUEST", "no HTTP method"),
    "no context": (health(requestContext=None), 400, "MALFORMED_REQUEST", "no HTTP method"),
    "no context at all": (
        {key: value for key, value in health().items() if key != "requestContext"},
        400,
        "MALFORMED_REQUEST",
        "no HTTP method",
    ),
    "API Gateway, format 1.0": (
        {**V1, "requestContext": {"httpMethod": "GET", "path": "/prod/health"}},
        400,
        "MALFORMED_REQUEST",
        "format 2.0",
    ),
    "the same without its context": (V1, 400, "MALFORMED_REQUEST", "format 2.0"),
    "a load balancer": ({**V1, "requestContext": ELB}, 400, "MALFORMED_REQUEST", "format 2.0"),
    "a web socket": (WEB_SOCKET, 400, "MALFORMED_REQUEST", "format 2.0"),
    "a method of other letters": (
        health(requestContext=http(method="FÖÖ")),
        405,
        "METHOD_NOT_ALLOWED",
        "does not take",
    ),
    "an empty body in base64": (posted("", isBase64Encoded=True), 400, "INVALID_FIELD", "query"),
    "no body in base64": (posted(None, isBase64Encoded=True), 400, "INVALID_FIELD", "query"),
    "base64 of two lines": (
        posted("eyJxdWVyeSI6ICIifQ==\n", isBase64Encoded=True),
        400,
        "MALFORMED_REQUEST",
        "not base64",
    ),
    "a content type that is null": (
        posted(QUERY, headers={"content-type": None}),
        415,
        "UNSUPPORTED_CONTENT_TYPE",
        "application/json",
    ),
    "a slash that is encoded": (health(rawPath="/documents/a%2Fb"), 404, "UNKNOWN_PATH", "openapi.json"),
    "a path that is a number": (health(rawPath=7), 400, "MALFORMED_REQUEST", "no path"),
    "wrong base64": (posted("{%%%}", isBase64Encoded=True), 400, "MALFORMED_REQUEST", "not base64"),
    "cut base64": (posted("abcde", isBase64Encoded=True), 400, "MALFORMED_REQUEST", "not base64"),
    "a body that is an object": (posted({"query": "q"}), 400, "MALFORMED_REQUEST", "neither text nor base64"),
    "base64 that is not said to be": (
        posted(base64.b64encode(QUERY.encode()).decode()),
        400,
        "MALFORMED_REQUEST",
        "not JSON",
    ),
    "half a surrogate pair": (posted('{"query": "\ud800'), 400, "MALFORMED_REQUEST", "not JSON"),
    "a path of bytes": (health(rawPath="/%ff%00"), 404, "UNKNOWN_PATH", "openapi.json"),
    "a path of a surrogate": (health(rawPath="/\udfff"), 404, "UNKNOWN_PATH", "openapi.json"),
    "a path without a slash": (health(rawPath="health"), 404, "UNKNOWN_PATH", "openapi.json"),
    "a file too large": (posted("A" * 6_000_001), 413, "PAYLOAD_TOO_LARGE", "CreateUpload"),
    "gRPC": (posted("", headers={"CONTENT-TYPE": "Application/gRPC"}), 415, "UNSUPPORTED_CONTENT_TYPE", "gRPC-Web"),
}


@pytest.mark.parametrize(("event", "status", "reason", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_is_refused_with_a_sentence(
    function: Function, event: dict[str, Any], status: int, reason: str, words: str
) -> None:
    response = function.invoke(event)
    error = json.loads(response["body"])
    assert (response["statusCode"], error["details"][0]["debug"]["reason"]) == (status, reason)
    assert words in error["message"]
    line = function.lines()[-1]
    assert (line["message"], line["status"], line["errors"]) == ("request", status, 1)
    assert line["reason"] == (f"HTTP_{status}" if status in (404, 405) else reason)


UNKNOWN: list[Any] = [
    {},
    [],
    None,
    "text",
    {"Records": []},
    {"Records": [{"eventSource": "aws:kinesis"}]},
    {"source": "aws.ec2"},
]


@pytest.mark.parametrize("event", UNKNOWN, ids=map(str, UNKNOWN))
def test_an_unknown_event_is_an_error_that_says_what_is_known(function: Function, event: Any) -> None:
    kind, message = function.error_of(event)
    assert kind == "UnknownEvent"
    assert "Function URL" in message
    assert function.invoke(url_event("GET", "/health"))["statusCode"] == 200


def test_the_test_event_of_s3_is_logged_and_ignored(function: Function) -> None:
    test = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b", "RequestId": "r", "HostId": "h"}
    assert function.invoke(test) == {"documents": []}
    assert any("S3 tests its notifications" in line["message"] for line in function.lines())


def test_files_are_not_taken_where_none_are_kept_in_s3(function: Function) -> None:
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    record |= {"s3": {"bucket": {"name": "b"}, "object": {"key": "ragsql/default/files/a"}}}
    kind, message = function.error_of({"Records": [record]})
    assert kind == "IngestFailed"
    assert "STORAGE_BACKEND=s3" in message


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("version", "rawPath", "rawQueryString", "headers", "cookies", "body", "isBase64Encoded", "requestContext")


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(st.sampled_from(FIELDS), ANY), st.dictionaries(st.sampled_from(("method", "path", "sourceIp")), ANY)
)
def test_whatever_a_request_looks_like_it_gets_a_response(changes: dict[str, Any], inner: dict[str, Any]) -> None:
    event = {**url_event("GET", "/health"), **changes}
    if "requestContext" not in changes:
        event["requestContext"] = http(**inner)
    response = FunctionUrl(build_transport(Fakes().use_cases()))(event, None)  # pyright: ignore[reportArgumentType]
    assert 200 <= response["statusCode"] < 500
    json.dumps(response)


@settings(max_examples=200, deadline=None)
@given(ANY, st.sampled_from(("aws:s3", "aws:sqs", "aws:sns", "x")), st.sampled_from(("s3", "body", "Sns", "eventName")))
def test_whatever_a_record_looks_like_it_is_read_or_refused(value: Any, source: str, field: str) -> None:
    record = {"eventSource": source, "eventName": "ObjectCreated:Put", field: value}
    for event in ({"Records": [record]}, {"Records": value}, {"source": "aws.s3", "detail": value}, value):
        with contextlib.suppress(UnknownEvent):
            assert all(isinstance(one.key, str) for one in arrivals(event))
