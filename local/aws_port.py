"""Serves moto over HTTP, for programs and containers that use AWS's own SDKs and CLI."""

from __future__ import annotations

import hmac
import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from local.background import served
from local.browsers import refusal
from local.faster_moto import speed_up_moto

Invoke = Callable[[str, dict[str, Any]], Any]
_Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_INVOCATION: Final = re.compile(r"/2015-03-31/functions/([A-Za-z0-9_-]+)/invocations")
_CREDENTIAL: Final = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/, ]+)/")


class _NoBrowsers:
    """WSGI middleware that refuses browsers: moto allows every origin (CORS) and checks no credentials.

    `bound` is the host name or address that the server listens on.
    """

    def __init__(self, application: _Application, bound: str) -> None:
        self._application = application
        self._bound = bound

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        names = {"Host": "HTTP_HOST", "Origin": "HTTP_ORIGIN", "Sec-Fetch-Site": "HTTP_SEC_FETCH_SITE"}
        headers = {name: environ[variable] for name, variable in names.items() if variable in environ}
        refused = refusal(headers, self._bound)
        if refused is None:
            return self._application(environ, start_response)
        start_response(f"{refused.status} Forbidden", [("Content-Type", "application/json")])
        return [json.dumps(refused.body()).encode()]


class _Owner:
    """WSGI middleware that serves only programs that have the access key id of this run.

    The port returns stored credentials, and other users of this machine can connect to it. moto verifies no signature,
    so the id is the secret. The responses are those that AWS's SDKs understand.
    """

    def __init__(self, application: _Application, access_key_id: str) -> None:
        self._application = application
        self._access_key_id = access_key_id

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        named = _CREDENTIAL.match(environ.get("HTTP_AUTHORIZATION", ""))
        if named and hmac.compare_digest(named[1].encode(), self._access_key_id.encode()):
            return self._application(environ, start_response)
        code = "UnrecognizedClientException"
        start_response("403 Forbidden", [("Content-Type", "application/json"), ("X-Amzn-ErrorType", code)])
        message = "Use the AWS_ACCESS_KEY_ID that this run of `make run` printed"
        return [json.dumps({"__type": code, "message": message}).encode()]


class _OneAtATime:
    """WSGI middleware that handles one request at a time: moto's transactions are not atomic between threads."""

    def __init__(self, application: _Application, turn: AbstractContextManager[Any]) -> None:
        self._application = application
        self._turn = turn

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        with self._turn:
            return list(self._application(environ, start_response))


class _Functions:
    """WSGI middleware that runs the stack's own functions, as Lambda's Invoke does (AWS Lambda API Reference)."""

    def __init__(self, application: _Application, functions: Mapping[str, Invoke]) -> None:
        self._application = application
        self._functions = functions

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        named = _INVOCATION.fullmatch(environ.get("PATH_INFO", ""))
        invoke = self._functions.get(named[1]) if named and environ["REQUEST_METHOD"] == "POST" else None
        if named is None or invoke is None:
            return self._application(environ, start_response)
        payload = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = [("Content-Type", "application/json")]
        try:
            result = invoke(named[1], json.loads(payload or b"{}"))
        except Exception as error:  # noqa: BLE001 - Lambda responds the same to every exception of a function
            headers.append(("X-Amz-Function-Error", "Unhandled"))
            result = {"errorType": type(error).__name__}
        start_response("200 OK", headers)
        return [json.dumps(result).encode()]


@contextmanager
def serving_aws(
    host: str,
    port: int,
    turn: AbstractContextManager[Any],
    functions: Mapping[str, Invoke] | None = None,
    access_key_id: str | None = None,
) -> Iterator[str]:
    """Serve moto until the block ends, and yield the address. Raises OSError if the port is taken.

    Args:
        host, port: where to listen; `port` 0 takes a free one.
        turn: held during each request.
        functions: the functions of the stack that callers may invoke, and what runs them.
        access_key_id: that of the callers to serve; None serves all.
    """
    speed_up_moto()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a log line for each AWS call is noise
    moto = _OneAtATime(DomainDispatcherApplication(create_backend_app), turn)
    application: _Application = _Functions(moto, functions or {})
    if access_key_id is not None:
        application = _Owner(application, access_key_id)
    server = make_server(host, port, _NoBrowsers(application, host), threaded=True)
    with served(server, "moto"):
        yield f"http://127.0.0.1:{server.server_port}"
