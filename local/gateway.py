"""API Gateway on one machine: routes, authorizer and gateway responses come from `template.yaml`.

What differs from the real one: no throttling of the stage, no 29 s limit, no access log but a line per request.
"""

from __future__ import annotations

import asyncio
import copy
import importlib
import ipaddress
import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from multidict import CIMultiDict

import providers.entrypoints  # noqa: F401 - its logger must get this process's stdout, not that of a first request
from local.browsers import Refusal, refusal
from local.template import Route, Template

MAX_BODY_BYTES: Final = 10 * 1024 * 1024
"""API Gateway's own limit; the functions' limit is far below."""

INVOKE: Final = "/2015-03-31/functions/{}/invocations"
"""Lambda's own API (AWS Lambda API Reference, Invoke)."""

_PROVIDER_ID: Final = re.compile(r"prov_[0-9A-Z]{26}")

LambdaHandler = Callable[[dict[str, Any], Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """The context that a function gets with its invocation."""

    function_name: str
    aws_request_id: str
    deadline: float
    memory_limit_in_mb: int = 512

    @property
    def invoked_function_arn(self) -> str:
        """An ARN of the usual form."""
        return f"arn:aws:lambda:us-east-1:000000000000:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function would be stopped."""
        return max(0, round((self.deadline - time.monotonic()) * 1000))


class Gateway:
    """Serves a template's API, each function in this process.

    Args:
        template: where routes, authorizer and gateway responses come from.
        log: called with a line for each request.
        own: routes of the local stack alone, by method and path; each is given the body and gives the answer's `data`.
        operated: the function that programs on this machine may invoke as they do on AWS, by Lambda's own API.
        bound: the name or address that the stack listens on. Of `own`, a web page may use nothing.
    """

    def __init__(
        self,
        template: Template,
        log: Callable[[str], object] = str,
        own: Mapping[str, Callable[[bytes], Any]] | None = None,
        operated: str | None = None,
        bound: str = "127.0.0.1",
    ) -> None:
        self._template = template
        self._own_routes = {} if own is None else own
        self._bound = bound
        self._operated = operated
        self._log = log
        self._handlers: dict[str, LambdaHandler] = {}
        self._pool = ThreadPoolExecutor(max_workers=64, thread_name_prefix="lambda")
        self.app: Final = web.Application(client_max_size=MAX_BODY_BYTES)
        self.app.router.add_route("*", r"/{path:[\s\S]*}", self._serve)  # `%0A` is part of a path too

    def close(self) -> None:
        """End the threads that functions run in."""
        self._pool.shutdown()

    async def _serve(self, request: web.Request) -> web.Response:
        began = time.perf_counter()
        request_id = str(uuid.uuid4())
        response = await self._answer(request, request_id)
        response.headers["x-amzn-RequestId"] = request_id
        elapsed = round((time.perf_counter() - began) * 1000)
        self._log(f"{request.method:6} {self._shown(request)} {response.status} {elapsed} ms")
        return response

    async def _answer(self, request: web.Request, request_id: str) -> web.Response:
        own = self._own_routes.get(f"{request.method} {request.path}")
        if own is not None:
            refused = refusal(request.headers, self._bound, changes=request.method != "GET")
            if refused is not None:
                return web.json_response(refused.body(), status=refused.status, dumps=_line)
            body = await request.read()
            data = await asyncio.get_running_loop().run_in_executor(self._pool, own, body)
            return web.json_response({"data": data}, status=422 if data is None else 200, dumps=_line)
        if request.path == INVOKE.format(self._operated) and request.method == "POST" and _from_here(request):
            return await self._operate(request)
        found = self._route(request)
        if found is None:
            return self._own("MISSING_AUTHENTICATION_TOKEN", {"requestId": request_id})
        route, parameters = found
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._own("REQUEST_TOO_LARGE", {"requestId": request_id})
        event = _event(request, route, parameters, request_id)
        known = {"requestId": request_id}
        if route.function not in self._template.open_routes:
            try:
                decision = await self._invoke(self._template.authorizer, _authorizer_event(event))
                context: dict[str, str] = decision["context"]
                effect = decision["policyDocument"]["Statement"][0]["Effect"]
            except Exception:  # noqa: BLE001 - API Gateway responds the same to every exception of an authorizer
                return self._own("AUTHORIZER_FAILURE", known)
            known |= {f"authorizer.{name}": value for name, value in context.items()}
            if effect != "Allow":
                return self._own("ACCESS_DENIED", known)
            event["requestContext"]["authorizer"] = context | {"principalId": decision["principalId"]}
        try:
            event["body"] = body.decode() if body else None
        except UnicodeDecodeError:
            return self._own("BAD_REQUEST_BODY", known)
        try:
            answer = await self._invoke(route.function, event)
            text = answer["body"]
            return web.Response(status=answer["statusCode"], headers=CIMultiDict(answer["headers"]), text=text)
        except Exception:  # noqa: BLE001 - a function that raises has no gateway response of its own
            return self._own("DEFAULT_5XX", known)

    async def _operate(self, request: web.Request) -> web.Response:
        """Answer as Lambda's Invoke does: with what the function returns."""
        refused = refusal(request.headers, self._bound)
        if refused is None and not request.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 "):
            refused = Refusal(403, "signature_required", "sign the request; a web page cannot without asking first")
        if refused is not None:
            return web.json_response(refused.body(), status=refused.status, dumps=_line)
        event = json.loads(await request.read() or b"{}")
        return web.json_response(await self._invoke(str(self._operated), event), dumps=_line)

    def _shown(self, request: web.Request) -> str:
        """The path as the log may show it: of what callers write, ids of providers alone: the rest may be a key."""
        path = request.rel_url.raw_path
        if f"{request.method} {path}" in self._own_routes or path == INVOKE.format(self._operated):
            return path
        for route in self._template.routes:
            given = route.match(path)
            if given is not None:
                shown = route.resource
                for name, value in given.items():
                    shown = shown.replace(f"{{{name}}}", value) if _PROVIDER_ID.fullmatch(value) else shown
                return shown
        return "(no such path)"

    def _route(self, request: web.Request) -> tuple[Route, dict[str, str]] | None:
        for route in self._template.routes:
            parameters = route.match(request.rel_url.raw_path) if route.method == request.method else None
            if parameters is not None:
                return route, parameters
        return None

    async def _invoke(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.invoke, function, event)

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """Run a function in this thread, and return what it returns."""
        handler = self._handlers.get(function)
        if handler is None:
            handler = importlib.import_module(self._template.module(function)).handler
            self._handlers[function] = handler
        context = LambdaContext(function, str(uuid.uuid4()), time.monotonic() + 29)
        return handler(event, context)

    def _own(self, kind: str, context: Mapping[str, str]) -> web.Response:
        """What API Gateway answers by itself, from the template; its defaults for the classes stand in for the rest."""
        responses = self._template.gateway_responses
        response = responses.get(kind) or responses["DEFAULT_4XX"]
        status, headers, body = response.render(context)
        return web.Response(status=status, headers=headers, text=body, content_type="application/json")


def _from_here(request: web.Request) -> bool:
    """Whether a program on this machine sent it."""
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


def _event(request: web.Request, route: Route, parameters: dict[str, str], request_id: str) -> dict[str, Any]:
    """The event that API Gateway's proxy integration (payload 1.0) hands to a function."""
    many_headers: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        many_headers.setdefault(name, []).append(value)
    many_query: dict[str, list[str]] = {}
    for name, value in request.rel_url.query.items():
        many_query.setdefault(name, []).append(value)
    return {
        "resource": route.resource,
        "path": request.rel_url.raw_path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in many_headers.items()},
        "multiValueHeaders": many_headers,
        "queryStringParameters": {name: values[-1] for name, values in many_query.items()} or None,
        "multiValueQueryStringParameters": many_query or None,
        "pathParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": route.resource,
            "httpMethod": request.method,
            "path": request.rel_url.raw_path,
            "stage": "local",
            "domainName": request.host,
            "requestId": request_id,
            "identity": {"sourceIp": request.remote, "userAgent": request.headers.get("User-Agent")},
        },
        "body": None,
        "isBase64Encoded": False,
    }


def _authorizer_event(event: dict[str, Any]) -> dict[str, Any]:
    """The event of a REQUEST authorizer: the request without its body."""
    path, method = event["path"], event["httpMethod"]
    without_body = {name: value for name, value in event.items() if name not in ("body", "isBase64Encoded")}
    arn = f"arn:aws:execute-api:us-east-1:000000000000:local/local/{method}{path}"
    return copy.deepcopy(without_body) | {"type": "REQUEST", "methodArn": arn}


def _line(data: Any) -> str:
    return json.dumps(data) + "\n"
