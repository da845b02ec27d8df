"""The dashboard and the alarms: every alarm has a runbook entry, and every metric that they use exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.template import Template
from providers.model.metrics import METRICS

ROOT = Path(__file__).parent.parent
MAIN = Template()
MONITORING = Template(ROOT / "monitoring" / "template.yaml")
ALARMS = MONITORING.of_type("AWS::CloudWatch::Alarm")
STACK = "${StackName}"
SERVICE = {"service": "providers-api"}

_SEARCH = re.compile(r"""SEARCH\('\{"?([^",]+)"?,([\w,]+)\} MetricName="(\w+)".*', '\w+', 300\)""")
_SELECT = re.compile(r"SELECT MAX\((\w+)\) FROM SCHEMA\(\"\$\{StackName\}\", ([\w, ]+)\) WHERE .*")

KNOWN = {metric.name: {*metric.dimensions, "service"} for metric in METRICS}
for _filter in MONITORING.of_type("AWS::Logs::MetricFilter").values():
    for _each in _filter["MetricTransformations"]:
        KNOWN[_each["MetricName"]] = set()
"""The stack's metrics, with the names of their dimensions."""

AWS = {  # as AWS documents them
    "AWS/ApiGateway": {"Count", "4XXError", "5XXError", "Latency"},
    "AWS/Lambda": {"Throttles", "Errors", "Duration"},
    "AWS/SQS": {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"},
    "AWS/DynamoDB": {"ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"},
}


def check_metric(namespace: str, name: str, dimensions: set[str]) -> None:
    """Check that a metric exists."""
    if namespace != STACK:
        assert name in AWS[namespace]
        return
    assert dimensions == KNOWN[name], name


def stated(namespace: Any) -> str:
    """Return the namespace of an alarm as a dashboard writes it."""
    return STACK if namespace == {"Ref": "StackName"} else str(namespace)


def described(alarm: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each metric of an alarm: namespace, name and dimensions."""
    if "Metrics" not in alarm:
        yield alarm
    for each in alarm.get("Metrics", []):
        if "MetricStat" in each:
            yield each["MetricStat"]["Metric"]


def dashboard() -> list[dict[str, Any]]:
    """Return the properties of the dashboard's widgets."""
    (board,) = MONITORING.of_type("AWS::CloudWatch::Dashboard").values()
    text, _ = board["DashboardBody"]["Fn::Sub"]
    return [widget["properties"] for widget in json.loads(text)["widgets"]]


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_leads_to_its_runbook_entry(name: str) -> None:
    """The description names a heading of docs/operations.md."""
    headings = re.findall(r"^### (.+)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    found = re.search(r'Runbook: docs/operations\.md, "(.+)"\.$', ALARMS[name]["AlarmDescription"])
    assert found, ALARMS[name]["AlarmDescription"]
    assert headings.count(found.group(1)) == 1


def test_every_runbook_entry_belongs_to_an_alarm() -> None:
    """An entry names its alarm, and no entry is left over when an alarm goes."""
    page = (ROOT / "docs" / "operations.md").read_text().partition("## Runbook")[2].partition("\n## ")[0]
    named = re.findall(r"^### .+\n\n`([\w-]+)`", page, re.MULTILINE)
    assert sorted(named) == sorted(alarm["AlarmName"]["Fn::Sub"].removeprefix(f"{STACK}-") for alarm in ALARMS.values())
    assert len(named) == len(re.findall(r"^### ", page, re.MULTILINE))


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_watches_metrics_that_exist(name: str) -> None:
    """A misspelled metric or dimension would make an alarm that never fires."""
    for each in described(ALARMS[name]):
        dimensions = {str(one["Name"]): one["Value"] for one in each.get("Dimensions", [])}
        check_metric(stated(each["Namespace"]), each["MetricName"], set(dimensions))
        if stated(each["Namespace"]) == STACK and dimensions:
            assert dimensions == SERVICE
    for each in ALARMS[name].get("Metrics", []):
        if isinstance(each.get("Expression"), dict):
            found = _SELECT.fullmatch(each["Expression"]["Fn::Sub"])
            assert found
            check_metric(STACK, found.group(1), set(found.group(2).split(", ")))


def test_every_metric_on_the_dashboard_exists() -> None:
    """A misspelled metric or dimension would be an empty graph."""
    for widget in dashboard():
        for entry in widget["metrics"]:
            if isinstance(entry[0], dict):
                found = _SEARCH.fullmatch(entry[0]["expression"])
                assert found, entry
                check_metric(found.group(1), found.group(3), set(found.group(2).split(",")))
            else:
                namespace, name, *rest = [each for each in entry if isinstance(each, str)]
                check_metric(namespace, name, set(rest[::2]))


def test_the_dashboard_shows_every_metric_of_the_stack() -> None:
    """A new metric gets a graph."""
    text = json.dumps(dashboard())
    assert [name for name in KNOWN if f'"{name}"' not in text.replace('\\"', '"')] == []


def test_the_graphs_do_not_overlap() -> None:
    """Each widget has its own place."""
    (board,) = MONITORING.of_type("AWS::CloudWatch::Dashboard").values()
    places = [(each["x"], each["y"]) for each in json.loads(board["DashboardBody"]["Fn::Sub"][0])["widgets"]]
    assert len(set(places)) == len(places)


def test_every_alarm_notifies_the_topic_and_exists_only_with_one() -> None:
    """When it fires and when it ends."""
    for name, alarm in ALARMS.items():
        assert MONITORING.content["Resources"][name]["Condition"] in ("HasAlarms", "HasNotificationAlarm")
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopicArn"}]


def test_background_functions_have_alarms() -> None:
    """Every queue has one, and so has each scheduled function, which measures a value in each successful run."""
    watched = {str(each["Value"]) for alarm in ALARMS.values() for each in alarm.get("Dimensions", [])}
    given = MAIN.of_type("AWS::CloudFormation::Stack")["Monitoring"]["Parameters"]
    for queue in MAIN.of_type("AWS::SQS::Queue"):
        (parameter,) = [name for name, value in given.items() if value == {"Fn::GetAtt": f"{queue}.QueueName"}]
        assert str({"Ref": parameter}) in watched
    silent = {alarm["MetricName"] for alarm in ALARMS.values() if alarm["TreatMissingData"] == "breaching"}
    assert silent == {"ProvidersDue", "RetiredVersions"}
    assert len(silent) == len(MAIN.scheduled)


@pytest.mark.parametrize(
    ("status", "response", "matched"),
    [
        ("200", "-", {"OtherResponseFilter"}),
        ("429", "-", {"OtherResponseFilter"}),
        ("429", "THROTTLED", {"OtherResponseFilter", "ThrottledRequestFilter"}),
        ("500", "DEFAULT_5XX", {"ServerErrorFilter"}),
        ("502", "-", {"OtherResponseFilter"}),
        ("503", "INTEGRATION_TIMEOUT", {"ServerErrorFilter"}),
        ("504", "-", {"OtherResponseFilter"}),
    ],
)
def test_vendor_outages_are_not_counted_as_errors_of_the_api(status: str, response: str, matched: set[str]) -> None:
    """The filters of the access log, whose patterns are few enough to evaluate here."""
    entry = {"status": status, "gateway_response": response}
    (api,) = MAIN.of_type("AWS::Serverless::Api").values()
    assert set(entry) <= json.loads(api["AccessLogSetting"]["Format"]).keys()
    found = set()
    for name, each in MONITORING.of_type("AWS::Logs::MetricFilter").items():
        terms = re.findall(r'\$\.(\w+) (!?=) "(\w+)"', each["FilterPattern"])
        results = [(entry[key] == value) == (sign == "=") for key, sign, value in terms]
        if (any if "||" in each["FilterPattern"] else all)(results):
            found.add(name)
    assert found == matched
