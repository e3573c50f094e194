"""What the ingest function of the template is told of."""

from __future__ import annotations

import json
from typing import Any

from service.adapters.blobs.names import S3_PREFIX
from service.usecases.process_document import file_key, processed_key
from tests.aws_lambda.s3_events import bridged
from tests.deploy.cloudformation import properties


def test_the_ingest_function_hears_of_uploads_and_of_nothing_else() -> None:
    """Matched by moto's reading of EventBridge's patterns."""
    from moto.events.models import EventPattern

    arrived = json.loads(json.dumps(properties("Arrived")["EventPattern"]))
    assert arrived["detail"]["bucket"]["name"] == [{"Fn::Sub": "rag-cache-${AWS::AccountId}"}]
    arrived["detail"]["bucket"]["name"] = ["rag-cache-123456789012"]
    pattern: Any = EventPattern.load(json.dumps(arrived))
    told = {
        key: bool(pattern.matches_event(bridged("rag-cache-123456789012", f"{S3_PREFIX}{key}")))
        for key in (f"default/{file_key('a')}", f"~cafe/{file_key('a')}", f"default/{processed_key('0' * 64)}", "other")
    }
    assert list(told.values()) == [True, True, False, False]
    assert not pattern.matches_event(bridged("other", f"{S3_PREFIX}default/{file_key('a')}"))
