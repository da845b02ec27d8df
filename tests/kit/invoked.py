"""Lambda's Invoke API over this process's functions, for boto3."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.background import served
from tests.kit.lambdas import Invocation


@contextmanager
def lambda_api(functions: dict[str, Callable[[Any, Any], Any]]) -> Iterator[str]:
    """Serve these functions by name; yield the address for AWS_ENDPOINT_URL_LAMBDA."""

    class Invoke(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Respond with the function's result."""
            name = self.path.split("/")[3]
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(functions[name](event, Invocation())).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Invoke)
    with served(server, "functions"):
        yield f"http://127.0.0.1:{server.server_port}"
