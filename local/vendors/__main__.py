"""`python -m local.vendors [--port]`: the emulator alone."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from typing import Final

from local.vendors.server import TOKEN_S, Emulator

DEFAULT_PORT: Final = 8788


async def run(host: str, port: int, latency_s: float, token_s: float) -> None:
    """Serve until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    emulator = Emulator(latency_s, token_s)
    await emulator.start(host, port)
    print(f"Vendors {emulator.url} (GET / lists the keys and the cases they play)", flush=True)
    try:
        await stop.wait()
    finally:
        await emulator.stop()


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m local.vendors", description="Emulate the vendors' APIs.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="before each response")
    parser.add_argument("--token-ms", type=float, default=TOKEN_S * 1000, help="for each generated token")
    given = parser.parse_args()
    try:
        asyncio.run(run(given.host, given.port, given.latency_ms / 1000, given.token_ms / 1000))
    except OSError as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
