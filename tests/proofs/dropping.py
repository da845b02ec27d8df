"""A proxy for DynamoDB Local that drops some of the responses."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from local.background import served

_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")


class Dropping(ThreadingHTTPServer):
    """Passes DynamoDB's requests on to `upstream`. The response to one of the writes does not come back.

    A write that botocore sends again is the same write: both tries name one invocation.
    """

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.writes: list[str] = []
        self.dropped = 0
        self._number = 0
        self._times = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def drop(self, number: int, times: int) -> None:
        """Reset the count of writes, and drop the responses to `times` attempts of the `number`-th (0 for none)."""
        with self._lock:
            self.writes = []
            self.dropped = 0
            self._number, self._times = number, times

    def drops(self, operation: str, invocation: str) -> bool:
        """Return whether to drop the response to this attempt."""
        if operation not in _WRITES:
            return False
        with self._lock:
            if invocation not in self.writes:
                self.writes.append(invocation)
            if self.writes.index(invocation) + 1 != self._number or self.dropped == self._times:
                return False
            self.dropped += 1
            return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Dropping

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=10)
        try:
            upstream.request("POST", self.path, body, dict(self.headers.items()))
            response = upstream.getresponse()
            content = response.read()
        finally:
            upstream.close()
        operation = self.headers["X-Amz-Target"].partition(".")[2]
        if self.server.drops(operation, self.headers["amz-sdk-invocation-id"]):
            self.close_connection = True
            return
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in ("date", "server", "connection", "content-length", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Log nothing."""


@contextmanager
def dropping(upstream: str) -> Iterator[Dropping]:
    """Run the proxy until the block ends."""
    server = Dropping(upstream)
    with served(server, "dropping"):
        yield server
