"""Tell people that a release was put back."""

from __future__ import annotations

import json
import logging
import urllib.request
from typing import Any

log = logging.getLogger("release")


def notify(target: str, session: Any, subject: str, text: str) -> None:
    """Publish to an SNS topic by its ARN, or POST {"text": …} to a webhook. What fails is logged."""
    if not target:
        log.warning("Nobody is told: --notify names neither a topic nor a webhook.")
        return
    try:
        if target.startswith("arn:"):
            topic = session.client("sns", region_name=target.split(":")[3])
            topic.publish(TopicArn=target, Subject=subject[:100], Message=text)
        else:
            body = json.dumps({"text": f"{subject}\n{text}"}).encode()
            request = urllib.request.Request(target, body, {"Content-Type": "application/json"})
            urllib.request.urlopen(request, timeout=10).close()
    except Exception as error:
        # The address of a webhook is a secret: what failed is told without it.
        log.error("Nobody could be told: %s", type(error).__name__)
    else:
        log.info("Told: %s", subject)
