"""MCP servers over stdio that start at once: copies of one process that has imported the protocol's library.

Importing it takes a second of each process. `python copies.py SOCKET` is the command that a client starts instead of
`providers-mcp`: it passes its environment, standard input, output and error to the process that `original` runs, and
ends with the copy's exit code.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parent.parent.parent
_PIECE: Final = 1 << 15
"""Bytes of the environment to read at once."""


@contextmanager
def original(environment: dict[str, str]) -> Iterator[list[str]]:
    """Run the process to copy, until the block ends, and yield the command that makes a copy of it."""
    with tempfile.TemporaryDirectory() as folder:
        address = f"{folder}/socket"
        command, pipe = [sys.executable, "-m", "tests.mcp.copies", address], subprocess.PIPE
        with subprocess.Popen(command, env=environment, cwd=_ROOT, stdin=pipe, stdout=pipe) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield [sys.executable, "-I", "-S", __file__, address]


def _serve(address: str) -> None:
    """Copy this process for each connection, until standard input ends, and serve MCP in the copies."""
    import select
    import signal

    from providers_client.mcp import (
        __main__,
        stdio,  # noqa: F401 - what takes a second
    )

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the copies that have ended need no one to wait for them
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    print("ready", flush=True)  # noqa: T201 - `original` waits for it
    while select.select([listener, sys.stdin], [], [])[0] == [listener]:
        connection, _ = listener.accept()
        if os.fork():
            connection.close()
            continue
        listener.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        environment, streams, _, _ = socket.recv_fds(connection, _PIECE, 3)
        while piece := connection.recv(_PIECE):
            environment += piece
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.environ.clear()
        os.environ.update(json.loads(environment))
        code = 0
        try:
            __main__.main()
        except SystemExit as end:
            code = int(end.code or 0)
        sys.stdout.flush()
        with suppress(OSError):  # its starter may have been killed
            connection.send(bytes([code]))
        os._exit(code)


def _copy(address: str) -> int:
    """Pass everything to a copy, and return its exit code."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        environment = json.dumps(dict(os.environ)).encode()
        socket.send_fds(connection, [environment[:1]], [0, 1, 2])
        connection.sendall(environment[1:])
        connection.shutdown(socket.SHUT_WR)
        code = connection.recv(1)
    return code[0] if code else 1


if __name__ == "__main__":
    if __package__:
        _serve(sys.argv[1])
    else:
        sys.exit(_copy(sys.argv[1]))
