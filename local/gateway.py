"""API Gateway on one machine: routes, authorizer and gateway responses come from `template.yaml`.

Unlike the real one, it has no stage throttling, no 29 s limit, and one log line per request instead of an access log.
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

import providers.edge.logs  # noqa: F401 - its logger must use this process's stdout, not the first request's
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
    """The context of an invocation."""

    function_name: str
    aws_request_id: str
    deadline: float
    memory_limit_in_mb: int = 512

    @property
    def invoked_function_arn(self) -> str:
        """Return an ARN of the usual form."""
        return f"arn:aws:lambda:us-east-1:000000000000:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda would stop the function."""
        return max(0, round((self.deadline - time.monotonic()) * 1000))


class Gateway:
    """Serves a template's API, each function in this process.

    Args:
        template: the source of routes, authorizer and gateway responses.
        log: called with a line for each request.
        own: extra routes of the local stack, by method and path; each takes the body and returns the response's `data`.
            Web pages cannot use them.
        operated: the function that programs on this machine may invoke through Lambda's API, as on AWS.
        bound: the host name or address that the stack listens on.
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
        self.app.router.add_route("*", r"/{path:[\s\S]*}", self._serve)  # a path can contain `%0A`

    def close(self) -> None:
        """Stop the threads that run functions."""
        self._pool.shutdown()

    async def _serve(self, request: web.Request) -> web.Response:
        began = time.perf_counter()
        request_id = str(uuid.uuid4())
        response = await self._respond(request, request_id)
        response.headers["x-amzn-RequestId"] = request_id
        elapsed = round((time.perf_counter() - began) * 1000)
        self._log(f"{request.method:6} {self._loggable_path(request)} {response.status} {elapsed} ms")
        return response

    async def _respond(self, request: web.Request, request_id: str) -> web.Response:
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
            result = await self._invoke(route.function, event)
            text = result["body"]
            return web.Response(status=result["statusCode"], headers=CIMultiDict(result["headers"]), text=text)
        except Exception:  # noqa: BLE001 - a function that raises has no gateway response of its own
            return self._own("DEFAULT_5XX", known)

    async def _operate(self, request: web.Request) -> web.Response:
        """Respond as Lambda's Invoke does, with the function's result."""
        refused = refusal(request.headers, self._bound)
        if refused is None and not request.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 "):
            refused = Refusal(403, "signature_required", "Sign the request (a web page would need a preflight)")
        if refused is not None:
            return web.json_response(refused.body(), status=refused.status, dumps=_line)
        event = json.loads(await request.read() or b"{}")
        return web.json_response(await self._invoke(str(self._operated), event), dumps=_line)

    def _loggable_path(self, request: web.Request) -> str:
        """Return the path for the log: of the parameters, only provider ids, since others may be a key."""
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
        return "(unknown path)"

    def _route(self, request: web.Request) -> tuple[Route, dict[str, str]] | None:
        for route in self._template.routes:
            parameters = route.match(request.rel_url.raw_path) if route.method == request.method else None
            if parameters is not None:
                return route, parameters
        return None

    async def _invoke(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.invoke, function, event)

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """Run a function in this thread, and return its result."""
        handler = self._handlers.get(function)
        if handler is None:
            handler = importlib.import_module(self._template.module(function)).handler
            self._handlers[function] = handler
        context = LambdaContext(function, str(uuid.uuid4()), time.monotonic() + 29)
        return handler(event, context)

    def _own(self, kind: str, context: Mapping[str, str]) -> web.Response:
        """Return API Gateway's own response from the template; kinds that it lacks use DEFAULT_4XX."""
        responses = self._template.gateway_responses
        response = responses.get(kind) or responses["DEFAULT_4XX"]
        status, headers, body = response.render(context)
        return web.Response(status=status, headers=headers, text=body, content_type="application/json")


def _from_here(request: web.Request) -> bool:
    """Return whether a program on this machine sent the request."""
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


def _event(request: web.Request, route: Route, parameters: dict[str, str], request_id: str) -> dict[str, Any]:
    """Return the event of API Gateway's proxy integration (payload 1.0)."""
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
    """Return the event of a REQUEST authorizer: the request without its body."""
    path, method = event["path"], event["httpMethod"]
    without_body = {name: value for name, value in event.items() if name not in ("body", "isBase64Encoded")}
    arn = f"arn:aws:execute-api:us-east-1:000000000000:local/local/{method}{path}"
    return copy.deepcopy(without_body) | {"type": "REQUEST", "methodArn": arn}


def _line(data: Any) -> str:
    return json.dumps(data) + "\n"
