"""The dashboard of the template, and the metrics that it shows."""

from __future__ import annotations

import json
import re
from typing import Any

from service.request_log import BY_REASON, BY_ROUTE, TOTALS
from tests.deploy.cloudformation import properties


def test_the_dashboard_is_json() -> None:
    body = re.sub(r"\$\{[^}]+\}", "x", properties("Dashboard")["DashboardBody"]["Fn::Sub"])
    widgets = json.loads(body)["widgets"]
    assert len(widgets) == 8
    places = [(widget["x"], widget["y"]) for widget in widgets]
    assert len(set(places)) == len(places), "none lies on another"


def test_the_dashboard_shows_every_metric_of_ours_and_no_other() -> None:
    """Each costs 30 cents a month, shown or not."""
    body = properties("Dashboard")["DashboardBody"]["Fn::Sub"]
    widgets: list[dict[str, Any]] = json.loads(re.sub(r"\$\{[^}]+\}", "x", body))["widgets"]
    shown = set(re.findall(r'\{ragsql,(\w+)\} MetricName=\\"(\w+)', body))
    for widget in widgets:
        rows: list[list[Any]] = widget["properties"]["metrics"]
        if rows[0][0] == "ragsql":
            shown |= {("", row[1]) for row in rows}
    written = (("route", BY_ROUTE), ("", TOTALS), ("reason", BY_REASON))
    assert shown == {(by, name) for by, names in written for name in names}
