"""The emulator's misbehaviour, as its caller sees it."""

from __future__ import annotations

import gc
import json
import socket
import subprocess
import sys
import threading
import time
import zlib
from contextlib import ExitStack

import httpx2
import pytest

from local.vendors.cases import CASES, case_named
from local.vendors.cases.base import Play, render
from local.vendors.keys import fake_key
from local.vendors.server import Emulator, running_emulator
from tests.vendors.emulator.sending import base_path, call, headers_of, probe, send

VENDORS = tuple(CASES)


def stream(emulator: Emulator, vendor: str, slug: str, seconds: float = 0.3) -> tuple[httpx2.Headers, bytes]:
    """Return the headers and the part of the raw body that arrives within some time, at most 200 KB."""
    request = probe(vendor, fake_key(vendor, slug), emulator.url + base_path(vendor))
    body = b""
    timeout = httpx2.Timeout(5, read=seconds)
    with httpx2.stream("GET", request.url, headers=headers_of(request), timeout=timeout, trust_env=False) as response:
        try:
            for block in response.iter_raw():
                body += block
                if len(body) > 200_000:
                    break
        except httpx2.ReadTimeout:
            pass
        return response.headers, body


def _request(key: str) -> bytes:
    """Return the raw request, so that only the test reads the response."""
    return f"GET /openai/v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n".encode()


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("slug", ["drop", "drop-midway", "garbage"])
def test_a_broken_connection_is_not_a_response(emulator: Emulator, vendor: str, slug: str) -> None:
    """A broken connection is a protocol error for the client."""
    with pytest.raises(httpx2.RemoteProtocolError):
        send(emulator, vendor, slug)


def test_half_a_body_comes_before_the_connection_breaks(emulator: Emulator) -> None:
    """A truncated body is sent before the connection breaks; only its length reveals this."""
    port = int(emulator.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(_request(fake_key("openai", "drop-midway")))
        received = b"".join(iter(lambda: connection.recv(65_536), b""))

    whole = render(case_named("openai", "valid"), "").body
    assert received.partition(b"\r\n\r\n")[2] == whole[: len(whole) // 2]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_redirect_leads_to_another_host(emulator: Emulator, vendor: str) -> None:
    """A redirect leads to another host, which would receive the key."""
    response = send(emulator, vendor, "redirect")

    assert (response.status_code, httpx2.URL(response.headers["location"]).host) == (302, "elsewhere.example")


def test_an_endless_body_does_not_end(emulator: Emulator) -> None:
    """An endless body continues until the client stops."""
    headers, body = stream(emulator, "openai", "endless")

    assert "content-length" not in headers
    assert len(body) > 200_000


def test_a_bomb_is_small_on_the_wire_and_large_when_unpacked(emulator: Emulator) -> None:
    """A compressed body that was not requested unpacks to a huge valid response."""
    headers, body = stream(emulator, "openai", "bomb", seconds=5)

    unpacked = zlib.decompressobj(31).decompress(body, 20_000_000)
    assert headers["content-encoding"] == "gzip"
    assert unpacked.startswith(render(case_named("openai", "valid"), "").body[:-1])
    assert len(unpacked) == 20_000_000 > 100 * len(body)


def test_a_drip_is_one_byte_a_second(emulator: Emulator) -> None:
    """One byte a second defeats a client's read timeout."""
    headers, body = stream(emulator, "openai", "drip", seconds=0.2)

    assert (int(headers["content-length"]) > 100, body) == (True, b"{")


def test_a_huge_body_is_as_long_as_it_says(emulator: Emulator) -> None:
    """A huge body is valid JSON of the announced length."""
    response = send(emulator, "openai", "huge")

    assert len(response.content) == int(response.headers["content-length"]) > 50_000_000
    assert response.content.startswith(render(case_named("openai", "valid"), "").body[:-1])


def test_a_page_is_not_json(emulator: Emulator) -> None:
    """An HTML page is sent with status 200."""
    response = send(emulator, "anthropic", "html")

    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_deep_json_is_too_deep_for_a_parser(emulator: Emulator) -> None:
    """Deeply nested JSON makes Python's parser raise RecursionError."""
    response = send(emulator, "groq", "deep")

    with pytest.raises(RecursionError):
        json.loads(response.content)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_slow_response_is_late_and_valid(emulator: Emulator, vendor: str) -> None:
    """A slow response is valid; the caller decides whether it is too late."""
    began = time.perf_counter()
    response = send(emulator, vendor, "slow-50ms")

    assert (response.status_code, time.perf_counter() - began >= 0.05) == (200, True)


def test_a_disconnected_caller_is_not_waited_for(emulator: Emulator) -> None:
    """The emulator stops when its caller disconnects."""
    stream(emulator, "openai", "endless")
    with pytest.raises(httpx2.ReadTimeout):
        stream(emulator, "openai", "slow")
    deadline = time.monotonic() + 2
    while emulator._handling and time.monotonic() < deadline:
        time.sleep(0.01)

    assert not emulator._handling


def test_the_emulator_ends_at_once_in_every_case() -> None:
    """The emulator stops at once and leaves no thread, task or socket behind."""
    threads = set(threading.enumerate())
    plays = [play.value for play in Play if play is not Play.RESPOND]
    with ExitStack() as closing:
        with running_emulator() as emulator:
            port = int(emulator.url.rpartition(":")[2])
            for slug in plays:
                connection = closing.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
                connection.sendall(_request(fake_key("openai", slug)))
            while emulator.requests < len(plays):
                time.sleep(0.001)
            time.sleep(0.1)
            began = time.perf_counter()
        ended = time.perf_counter() - began
    gc.collect()

    assert ended < 1
    assert set(threading.enumerate()) == threads


def test_a_port_in_use_is_reported() -> None:
    """Starting a second emulator on the same port is an error."""
    with running_emulator() as emulator:
        port = int(emulator.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"), running_emulator(port=port):
            pass


def test_the_emulator_runs_alone() -> None:
    """`python -m local.vendors` prints its address and exits on SIGTERM."""
    command = [sys.executable, "-m", "local.vendors", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        status = call(url).status_code
        process.terminate()

    assert (status, process.returncode) == (200, 0)
