"""Watch a version while it gets calls."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from releasing.functions import ALIAS, ReleaseFailed
from releasing.smoke import Smoke

log = logging.getLogger("release")

REFUSALS = 5
"""So many answers of 500 and above are borne, and beyond, one in twenty."""


@dataclass(frozen=True, slots=True)
class Watch:
    """lambda_ and cloudwatch are boto3's clients; seconds is how long, pause how often."""

    lambda_: Any
    cloudwatch: Any
    seconds: float
    pause: float

    def __call__(self, versions: Sequence[tuple[str, str]], share: float, since: dt.datetime) -> None:
        """Probe the first function and read the errors of all, each by name and version. Raises ReleaseFailed.

        share is the versions' share of the calls, which they have since then.
        """
        ends = time.monotonic() + self.seconds
        name, version = versions[0]
        while True:
            Smoke(self.lambda_, name, version).serves()
            Smoke(self.lambda_, name, ALIAS).serves()
            self._check(versions, share, since)
            if time.monotonic() >= ends:
                return
            time.sleep(self.pause)

    def _check(self, versions: Sequence[tuple[str, str]], share: float, since: dt.datetime) -> None:
        # Lambda tells versions apart only while an alias has two of them.
        queries = [
            _sum(f"errors{place}", "Errors", name, {"ExecutedVersion": version} if share < 1 else {})
            for place, (name, version) in enumerate(versions)
        ]
        url = versions[0][0]
        queries += [_sum("refusals", "Url5xxCount", url, {}), _sum("requests", "UrlRequestCount", url, {})]
        now = dt.datetime.now(dt.UTC)
        begin, end = since.replace(second=0, microsecond=0), now + dt.timedelta(minutes=1)
        reply = self.cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=begin, EndTime=end)
        sums: dict[str, float] = {each["Id"]: sum(each["Values"]) for each in reply["MetricDataResults"]}
        for place, (name, version) in enumerate(versions):
            if errors := sums.get(f"errors{place}", 0):
                raise ReleaseFailed(f"{name}:{version} crashed or timed out {errors:.0f} times while it was watched.")
        refusals, requests = sums.get("refusals", 0), sums.get("requests", 0)
        if refusals > max(REFUSALS, requests / 20):
            raise ReleaseFailed(f"{refusals:.0f} of {requests:.0f} requests were answered with 500 or above.")


def _sum(id: str, metric: str, function: str, more: dict[str, str]) -> dict[str, Any]:
    dimensions = {"FunctionName": function, "Resource": f"{function}:{ALIAS}", **more}
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    counted = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": named}
    return {"Id": id, "MetricStat": {"Metric": counted, "Period": 60, "Stat": "Sum"}}
