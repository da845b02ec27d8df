"""`make run`: the API, embedded AWS and the vendor emulator in one process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Final

from providers.model.secret import Secret

DEFAULT_PORT: Final = 8787

BANNER: Final = """
Providers API   {url}
Vendors         {vendors}
Everything is kept in memory and gone when this ends (Ctrl-C).

Paste this into another terminal:

  export API={url} KEY={key}
  curl -s $API/manage/v1/providers -H "Authorization: Bearer $KEY"
"""


async def run(host: str, port: int, management_key: Secret | None, *, real_vendors: bool) -> None:
    """Serve until SIGINT or SIGTERM."""
    from local.stack import running_stack

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    async with running_stack(
        host, port, management_key=management_key, real_vendors=real_vendors, log=lambda line: print(line, flush=True)
    ) as stack:
        vendors = f"{stack.emulator.url} (the emulator; GET / lists the keys it knows)" if stack.emulator else "real"
        print(BANNER.format(url=stack.url, vendors=vendors, key=stack.management_key.reveal()), flush=True)
        await stop.wait()
        print("stopping", flush=True)


def main() -> int:
    """Read PORT, HOST, MANAGEMENT_KEY and VENDORS, and run."""
    os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "providers-api")
    os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "ERROR")
    given = os.environ.get("MANAGEMENT_KEY")
    vendors = os.environ.get("VENDORS", "emulator")
    if vendors not in ("emulator", "real"):
        print(f"cannot start: VENDORS is emulator or real, not {vendors}", file=sys.stderr)
        return 1
    try:
        asyncio.run(
            run(
                os.environ.get("HOST", "127.0.0.1"),
                int(os.environ.get("PORT", str(DEFAULT_PORT))),
                Secret(given) if given else None,
                real_vendors=vendors == "real",
            )
        )
    except (ValueError, OSError) as error:
        print(f"cannot start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
