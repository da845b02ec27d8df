"""The events as OpenAPI webhooks, from their schema in docs/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from providers_contract.vocabulary import HealthState

Json = dict[str, Any]

_SCHEMA: Final[Json] = json.loads((Path(__file__).parent.parent / "docs" / "events.schema.json").read_text())
_STATE: Final[Json] = {"type": "string", "enum": [*map(str, HealthState)]}
_HEALTH_CHANGE: Final[Json] = {
    "from": _STATE,
    "to": _STATE,
    "reason": {"anyOf": [{"$ref": "#/components/schemas/Reason"}, {"type": "null"}]},
}
"""Which changes have which reasons is in the events' own schema; generators cannot express it."""


def schema_name(event: str) -> str:
    """Return the name of an event's schema: `ProviderCreatedEvent` for `provider.created`."""
    return "".join(word.title() for word in event.replace(".", "_").split("_")) + "Event"


def event_schemas() -> dict[str, Json]:
    """Return the schema of each event by its component's name, complete in itself and open for new fields."""
    return {schema_name(name): _envelope(name, branch) for name, branch in _branches().items()}


def webhooks() -> dict[str, Json]:
    """Return the webhooks by event."""
    return {
        name: {
            "post": {
                "operationId": f"on_{name.replace('.', '_')}",
                "tags": ["events"],
                "summary": name,
                "description": f"Sent when {branch['description']}.",
                "security": [],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema_name(name)}"}}},
                },
                "responses": {
                    "2XX": {"description": "Received. After no response, 429 or 5xx, it is sent again, for a day."}
                },
            }
        }
        for name, branch in _branches().items()
    }


def _branches() -> dict[str, Json]:
    return {each["properties"]["detail-type"]["const"]: each for each in _SCHEMA["oneOf"]}


def _envelope(name: str, branch: Json) -> Json:
    common = _resolved(_SCHEMA["properties"])
    resources = common["resources"] | branch["properties"]["resources"]
    of_event = {"detail-type": {"const": name}, "detail": _resolved(branch["properties"]["detail"])}
    fields = common | of_event | {"resources": resources}
    described = f"Sent when {branch['description']}."
    return {"type": "object", "description": described, "required": _SCHEMA["required"], "properties": fields}


def _resolved(node: Any) -> Any:
    """Return a part of the schema with its references replaced by what they refer to."""
    if isinstance(node, list):
        return [_resolved(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {name: _resolved(value) for name, value in node.items() if name not in ("$ref", "additionalProperties")}
    if "$ref" in node:
        target = _resolved(_SCHEMA["$defs"][node["$ref"].removeprefix("#/$defs/")])
        changed = {key: target["properties"][key] | value for key, value in found.pop("properties", {}).items()}
        found = target | found | ({"properties": target["properties"] | changed} if changed else {})
    if "oneOf" in found and "from" in found["properties"]:
        found = {name: value for name, value in found.items() if name != "oneOf"}
        found["properties"] |= _HEALTH_CHANGE
    return found
