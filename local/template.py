"""Reads `template.yaml`, so that the local stack repeats none of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import yaml

TEMPLATE: Final = Path(__file__).parent.parent / "template.yaml"


class _Loader(yaml.CSafeLoader):
    """A YAML loader for CloudFormation's short forms: `!Ref X` becomes {"Ref": "X"}, `!Sub …` {"Fn::Sub": …}."""


def _intrinsic(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint: `GET /manage/v1/providers/{provider_id}` and the function behind it."""

    method: str
    resource: str
    function: str

    def match(self, path: str) -> dict[str, str] | None:
        """Return the path parameters if `path` matches this route, else None."""
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.resource))
        found = re.fullmatch(pattern, path)
        return None if found is None else found.groupdict()


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """A response that API Gateway gives itself."""

    status: int
    headers: Mapping[str, str]
    body: str

    def render(self, context: Mapping[str, str]) -> tuple[int, dict[str, str], str]:
        """Return status, headers and body with `$context.…` filled in; an unknown variable becomes empty, as on AWS."""

        def fill(text: str) -> str:
            return re.sub(r"\$context\.([\w.]+)", lambda found: context.get(found.group(1), ""), text)

        return self.status, {name: fill(value) for name, value in self.headers.items()}, fill(self.body)


@cache
def _read(path: Path, _modified_ns: int) -> dict[str, Any]:
    """Return the content of a template, parsed once for each time that it was modified; it must not be changed."""
    content: dict[str, Any] = yaml.load(path.read_text(), _Loader)  # noqa: S506 - a SafeLoader
    return content


class Template:
    """The parts of a SAM template that a local stack needs."""

    def __init__(self, path: Path = TEMPLATE) -> None:
        self.root: Final = path.parent
        self.content: Final = _read(path, path.stat().st_mtime_ns)

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of every resource of `kind`, by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.content["Resources"].items()
            if resource["Type"] == kind
        }

    @cached_property
    def routes(self) -> list[Route]:
        """Return every API event of every function."""
        return [
            Route(event["Properties"]["Method"].upper(), event["Properties"]["Path"], name)
            for name, function in self.of_type("AWS::Serverless::Function").items()
            for event in function.get("Events", {}).values()
            if event["Type"] == "Api"
        ]

    def route(self, function: str) -> Route:
        """Return a function's own route, its first; the others are for methods that the path lacks."""
        return next(route for route in self.routes if route.function == function)

    def module(self, function: str) -> str:
        """Return the module of a function's handler, as this repository imports it (`functions.add_provider.app`)."""
        properties = self.of_type("AWS::Serverless::Function")[function]
        folder = properties["CodeUri"].strip("/").replace("/", ".")
        handler = properties.get("Handler") or self.content["Globals"]["Function"]["Handler"]
        return f"{folder}.{handler.rpartition('.')[0]}"

    @cached_property
    def authorizer(self) -> str:
        """Return the logical id of the authorizer's function."""
        (api,) = self.of_type("AWS::Serverless::Api").values()
        default = api["Auth"]["DefaultAuthorizer"]
        arn = api["Auth"]["Authorizers"][default]["FunctionArn"]
        return _logical_id(arn)

    @cached_property
    def open_routes(self) -> frozenset[str]:
        """Return the functions whose routes need no authorizer."""
        return frozenset(
            name
            for name, function in self.of_type("AWS::Serverless::Function").items()
            for event in function.get("Events", {}).values()
            if event["Type"] == "Api" and event["Properties"].get("Auth", {}).get("Authorizer") == "NONE"
        )

    @cached_property
    def scheduled(self) -> list[str]:
        """Return the functions that a schedule runs."""
        return [
            name
            for name, function in self.of_type("AWS::Serverless::Function").items()
            for event in function.get("Events", {}).values()
            if event["Type"] == "ScheduleV2"
        ]

    @cached_property
    def queue_workers(self) -> list[tuple[str, str]]:
        """Return the functions that a queue invokes, and the queue's logical id."""
        return [
            (source["FunctionName"]["Ref"], _logical_id(source["EventSourceArn"]))
            for source in self.of_type("AWS::Lambda::EventSourceMapping").values()
        ]

    @cached_property
    def invoked(self) -> list[str]:
        """Return the functions that callers with IAM's permission invoke: those whose names the stack outputs."""
        functions = self.of_type("AWS::Serverless::Function")
        values = [output["Value"] for output in self.content["Outputs"].values()]
        return [value["Ref"] for value in values if isinstance(value, dict) and value.get("Ref") in functions]

    @cached_property
    def queues(self) -> dict[str, str | None]:
        """Return every queue's logical id, and that of its dead-letter queue."""
        return {
            name: _logical_id(queue["RedrivePolicy"]["deadLetterTargetArn"]) if "RedrivePolicy" in queue else None
            for name, queue in self.of_type("AWS::SQS::Queue").items()
        }

    @cached_property
    def gateway_responses(self) -> dict[str, GatewayResponse]:
        """Return API Gateway's own responses, by response type."""
        (api,) = self.of_type("AWS::Serverless::Api").values()
        found = {}
        for kind, response in api["GatewayResponses"].items():
            headers = response.get("ResponseParameters", {}).get("Headers", {})
            (body,) = response["ResponseTemplates"].values()
            plain = {name: _header(str(value)) for name, value in headers.items()}
            found[kind] = GatewayResponse(int(response["StatusCode"]), plain, body)
        return found

    @cached_property
    def tables(self) -> dict[str, dict[str, Any]]:
        """Return the arguments of `create_table` for every table; a table's name is its logical id."""
        kept = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes")
        return {
            name: {"TableName": name} | {key: value for key, value in properties.items() if key in kept}
            for name, properties in self.of_type("AWS::DynamoDB::Table").items()
        }

    def environment(self) -> dict[str, str]:
        """Return the functions' environment, with default parameters; tables and keys are named by logical id."""
        functions = [self.content["Globals"]["Function"], *self.of_type("AWS::Serverless::Function").values()]
        found: dict[str, str] = {}
        for function in functions:
            for name, value in function.get("Environment", {}).get("Variables", {}).items():
                resolved = self._resolve(value)
                if found.setdefault(name, resolved) != resolved:
                    raise ValueError(f"functions disagree on {name}: one process cannot serve both")
        return found

    @cached_property
    def settings(self) -> frozenset[str]:
        """Return the environment variables that a parameter sets."""
        variables = self.content["Globals"]["Function"]["Environment"]["Variables"]
        parameters = self.content.get("Parameters", {})
        return frozenset(
            name for name, value in variables.items() if isinstance(value, dict) and value.get("Ref") in parameters
        )

    def _resolve(self, value: Any) -> str:
        if not isinstance(value, dict):
            return str(value)
        ((intrinsic, argument),) = value.items()
        if intrinsic == "Fn::GetAtt":
            return _logical_id(value)
        if intrinsic != "Ref":
            raise ValueError(f"the local stack does not know {intrinsic} in a function's environment")
        parameter = self.content.get("Parameters", {}).get(argument)
        return str(argument if parameter is None else parameter.get("Default", ""))


def _header(mapping: str) -> str:
    """Return a response header from its mapping: a quoted literal, or a context variable without its `$`."""
    return mapping.strip("'") if mapping.startswith("'") else f"${mapping}"


def _logical_id(attribute: Any) -> str:
    """Return the resource in a `!GetAtt`."""
    return str(attribute["Fn::GetAtt"]).partition(".")[0]
