"""`docs/api.md`: the OpenAPI document as one readable page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

Json = Mapping[str, Any]

_HEAD: Final = """\
# The API

Written by `make openapi` from the same code as the OpenAPI 3.1 document, which every stack serves, without a key, at
`GET /manage/v1/openapi.json`. Paths begin at the stack's address: `http://127.0.0.1:8787` for `make run`, the output
`ApiUrl` of a deployment (it ends with the stage, `/live`).
"""


def page(document: Json) -> str:
    """Return the page for `document`."""
    return "\n".join(_Page(document).lines()).replace("\n\n\n", "\n\n").rstrip() + "\n"


class _Page:
    def __init__(self, document: Json) -> None:
        self._document = document

    def lines(self) -> Iterator[str]:
        yield _HEAD
        yield from self._contents()
        yield self._document["info"]["description"]
        yield from self._errors()
        for tag in self._document["tags"]:
            if not [*self._operations(tag["name"])]:
                continue  # events have a page of their own
            yield f"\n## {tag['x-displayName']}\n\n{tag['description']}\n"
            for method, path, operation in self._operations(tag["name"]):
                yield from self._operation(method, path, operation)
        yield "\n## Schemas\n"
        bodies = {self._name(each) for each in self._bodies()}
        for name, schema in self._document["components"]["schemas"].items():
            if name not in bodies and not name.endswith("Event"):
                yield from self._schema(name, schema)

    def _operations(self, tag: str | None = None) -> Iterator[tuple[str, str, Json]]:
        for path, methods in self._document["paths"].items():
            for method, operation in methods.items():
                if tag is None or tag in operation["tags"]:
                    yield method.upper(), path, operation

    def _bodies(self) -> Iterator[Json]:
        for _, _, operation in self._operations():
            if "requestBody" in operation:
                yield operation["requestBody"]["content"]["application/json"]["schema"]

    def _contents(self) -> Iterator[str]:
        yield "| | | scope |"
        yield "| --- | --- | --- |"
        for method, path, operation in self._operations():
            scope = operation.get("x-required-scope")
            link = f"[{operation['summary']}](#{_anchor(operation['summary'])})"
            needed = f"`{scope}`" if scope else "any" if operation["security"] else "no key"
            yield f"| `{method} {path}` | {link} | {needed} |"
        yield ""

    def _errors(self) -> Iterator[str]:
        """Yield every code with its status and type, as in the examples."""
        yield "\n## Error codes\n"
        yield "| status | code | type | |"
        yield "| --- | --- | --- | --- |"
        statuses = self._statuses()
        for code, known in self._document["components"]["examples"].items():
            kind = known["value"]["error"]["type"]
            yield f"| {statuses[code]} | `{code}` | {kind} | {known['summary']} |"

    def _statuses(self) -> dict[str, str]:
        found = {}
        for _, _, operation in self._operations():
            for status, response in operation["responses"].items():
                for code in self._get(response).get("x-error-codes", []):
                    found[code] = status
        return found

    def _operation(self, method: str, path: str, operation: Json) -> Iterator[str]:
        yield f"### {operation['summary']}\n\n```\n{method} {path}\n```\n\n{operation['description']}\n"
        parameters = [self._get(each) for each in operation.get("parameters", [])]
        if parameters:
            yield "| parameter | in | | |"
            yield "| --- | --- | --- | --- |"
            for each in parameters:
                yield _row(f"`{each['name']}`", each["in"], self._kind(each["schema"]), each["description"])
            yield ""
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            yield "Body:\n" if operation["requestBody"]["required"] else "Optional body:\n"
            yield from self._members(self._get(schema))
        yield f"```sh\n{self._curl(method, path, operation, parameters)}\n```\n"
        yield from self._responses(operation["responses"])

    def _responses(self, responses: Json) -> Iterator[str]:
        has_example = False
        for status, reference in responses.items():
            response = self._get(reference)
            if "x-error-codes" in response:
                continue
            content = response.get("content", {}).get("application/json")
            kind = (
                f" [{self._name(content['schema'])}](#{_anchor(self._name(content['schema']))})"
                if content and ("$ref" in content["schema"])
                else ""
            )
            headers = [f"`{self._header(each)}`" for each in response["headers"].values() if self._is_documented(each)]
            listed = f" Headers: {', '.join(headers)}." if headers else ""
            yield f"**{status}**{kind}: {response['description']}{listed}\n"
            if content and not has_example:
                yield f"```json\n{_compact(content['example'])}\n```\n"
                has_example = True
        failures = [
            f"{status} {', '.join(f'`{code}`' for code in self._get(each)['x-error-codes'])}"
            for status, each in responses.items()
            if "x-error-codes" in self._get(each)
        ]
        yield f"Errors: {'; '.join(failures)}.\n"

    def _is_documented(self, reference: Json) -> bool:
        return self._header(reference) in ("ETag", "Location", "Idempotency-Replayed")

    def _header(self, reference: Json) -> str:
        return self._name(reference).removesuffix("-sometimes")

    def _curl(self, method: str, path: str, operation: Json, parameters: list[Json]) -> str:
        for each in parameters:
            if each["in"] == "path":
                path = path.replace(f"{{{each['name']}}}", str(each["example"]))
        words = ["curl -s" if method == "GET" else f"curl -s -X {method}", f"$API{path}"]
        if operation["security"]:
            words.append('-H "Authorization: Bearer $KEY"')
        line = " ".join(words)
        if "requestBody" in operation:
            example = next(iter(operation["requestBody"]["content"]["application/json"]["examples"].values()))
            line += f" -H \"Content-Type: application/json\" \\\n  -d '{json.dumps(example['value'])}'"
        return line

    def _schema(self, name: str, schema: Json) -> Iterator[str]:
        yield f"### {name}\n"
        if "description" in schema:
            yield schema["description"] + "\n"
        if "properties" in schema:
            yield from self._members(schema)
        else:
            yield f"{self._kind(schema)}\n"

    def _members(self, schema: Json) -> Iterator[str]:
        yield "| member | | |"
        yield "| --- | --- | --- |"
        required = schema.get("required", [])
        for name, member in schema["properties"].items():
            needed = "" if name in required else "optional; "
            default = f" Default `{json.dumps(member['default'])}`." if member.get("default") is not None else ""
            yield _row(f"`{name}`", needed + self._kind(member), self._text(member) + default)
        yield ""

    def _text(self, schema: Json) -> str:
        """Return the description of the schema, or of its alternative to null."""
        texts = [schema, *schema.get("anyOf", [])]
        return next((str(each["description"]) for each in texts if "description" in each), "")

    def _kind(self, schema: Json) -> str:
        """Return the type of a value in a few words."""
        if "$ref" in schema:
            return f"[{self._name(schema)}](#{_anchor(self._name(schema))})"
        if "anyOf" in schema:
            return " or ".join(self._kind(each) for each in schema["anyOf"])
        if "const" in schema:
            return f"`{schema['const']}`"
        if "enum" in schema:
            return ", ".join(f"`{each}`" for each in schema["enum"])
        kind = str(schema.get("type", "anything"))
        if kind == "array":
            return f"list of {self._kind(schema['items'])}"
        if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
            return f"object of {self._kind(schema['additionalProperties'])}"
        return {"date-time": "time", "uri": "URL"}.get(schema.get("format", ""), kind) + _bounds(schema)

    def _get(self, schema: Json) -> Json:
        """Return the target of a reference, or the schema itself."""
        if "$ref" not in schema:
            return schema
        found: Any = self._document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return found  # type: ignore[no-any-return]

    def _name(self, schema: Json) -> str:
        return str(schema.get("$ref", "")).rpartition("/")[2]


def _bounds(schema: Json) -> str:
    low = schema.get("minimum", schema.get("minLength", schema.get("minItems")))
    high = schema.get("maximum", schema.get("maxLength", schema.get("maxItems")))
    if high is None:
        return f", {low} or more" if low is not None else ""
    return f", {low} to {high}" if low is not None else f", {high} at most"


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _row(*cells: str) -> str:
    return "| " + " | ".join(re.sub(r"\s+", " ", cell).replace("|", "\\|") for cell in cells) + " |"


def _compact(value: Any) -> str:
    """Return JSON on few lines: values that fit on one line stay on it."""
    return _laid_out(value, 0)


def _laid_out(value: Any, depth: int) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + 2 * depth <= 110 or not isinstance(value, dict | list):
        return flat
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, list):
        return "[\n" + ",\n".join(inner + _laid_out(each, depth + 1) for each in value) + f"\n{outer}]"
    members = (f"{inner}{json.dumps(name)}: {_laid_out(each, depth + 1)}" for name, each in value.items())
    return "{\n" + ",\n".join(members) + f"\n{outer}}}"
