"""`make run` (the whole stack in one process) and `make aws` (AWS and the vendors for `sam local`)."""

from __future__ import annotations

import asyncio
import errno
import os
import platform
import shlex
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from providers_contract.secret import Secret

DEFAULT_PORT: Final = 8787
DEFAULT_AWS_PORT: Final = 8789

RUN_BANNER: Final = """
Providers API   {url}
Console         {url}/console (sign in with KEY)
Vendors         {vendors}
{kept} Ctrl-C stops it.

Paste this into another terminal:

  export API={url} KEY={key}
  export PROVIDERS_API_URL=$API PROVIDERS_API_KEY=$KEY PATH=$PWD/.venv/bin:$PATH
  providers list

And these two lines, to use the stored credentials there (docs/use.md):

  {aws}
  {outputs}
"""

HELP: Final = """Usage: make run [NAME=VALUE]…    or    [NAME=VALUE]… python -m local

Serve the whole stack on this machine: the API, an embedded AWS and an emulator of the vendors.

  PORT=8787            The API's port; 0 takes a free one.
  HOST=127.0.0.1       Where to listen; 0.0.0.0 for all addresses.
  AWS_PORT=8789        The embedded AWS's port.
  DATA=FOLDER          Keep the stack's state in this folder between runs. Default: in memory.
  MANAGEMENT_KEY=KEY   Use this management key (mlx_mk_…). Default: a new one, or the one that DATA keeps.
  VENDORS=real         Call the real vendors instead of the emulator.
  SWEEP_SECONDS=60     How often to probe; 0 for never.
  WEBHOOK=URL          Post events to this URL (docs/events.md). Test it with `providers webhook test --local`.

The template's settings, such as GRACE_SECONDS, can be given in the same way. `make aws` (python -m local aws) serves
AWS and the vendors for `sam local`.

Other users of this machine can connect to these ports. The embedded AWS, which can decrypt the stored credentials,
serves only programs with the AWS_ACCESS_KEY_ID that this run prints. `providers keys create --local` needs no secret:
every local user can create a management key and use the API, which returns no credentials. `make aws` has a fixed
AWS_ACCESS_KEY_ID, so every local user can read what it stores: use fake keys there.
"""

AWS_BANNER: Final = """
AWS (moto) and the vendor emulator are running for `sam local`. All data is lost when you stop this (Ctrl-C).

In another terminal, with dummy keys, so that your real ones never reach the containers:

  export AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing AWS_DEFAULT_REGION=us-east-1
  sam build --parameter-overrides Architecture={architecture}
  sam local start-api --parameter-overrides Architecture={architecture}

And in a third:

  export API=http://127.0.0.1:3000 KEY={key}
  curl -s $API/manage/v1/providers -H "Authorization: Bearer $KEY"
"""


def _stop_event() -> asyncio.Event:
    """Return an event that SIGINT or SIGTERM sets."""
    stop = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    return stop


def _exports(environment: Mapping[str, str]) -> tuple[str, str]:
    """Return two lines that export the environment: AWS's own variables, and the others."""
    pairs = [(name.startswith("AWS_"), f"{name}={shlex.quote(value)}") for name, value in environment.items()]
    aws, outputs = ([pair for own, pair in pairs if own is wanted] for wanted in (True, False))
    return f"export {' '.join(aws)}", f"export {' '.join(outputs)}"


def _say(text: str) -> None:
    print(text, flush=True)


async def run(
    host: str,
    port: int,
    aws_port: int,
    management_key: Secret | None,
    data: str | None,
    *,
    webhook: str | None,
    real_vendors: bool,
    sweep_seconds: float,
) -> None:
    """Serve the API until SIGINT or SIGTERM."""
    from local.stack import running_stack
    from local.template import Template

    stop = _stop_event()
    async with running_stack(
        host,
        port,
        aws_port=aws_port,
        management_key=management_key,
        real_vendors=real_vendors,
        sweep_seconds=sweep_seconds,
        settings={name: os.environ[name] for name in Template().settings if name in os.environ},
        data=Path(data) if data else None,
        webhook=webhook,
        log=_say,
    ) as stack:
        vendors = f"{stack.emulator.url} (the emulator; GET / lists the keys it knows)" if stack.emulator else "real"
        aws, outputs = _exports(stack.environment())
        key = stack.management_key.reveal()
        kept = f"All data is kept in {data}." if data else "All data is in memory and is lost when you stop this."
        _say(RUN_BANNER.format(url=stack.url, vendors=vendors, kept=kept, key=key, aws=aws, outputs=outputs))
        await stop.wait()
        _say("stopping")


async def aws(host: str, management_key: Secret | None) -> None:
    """Serve AWS and the vendors until SIGINT or SIGTERM."""
    from local.aws_server import running_aws

    architecture = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    stop = _stop_event()
    async with running_aws(host, management_key) as key:
        _say(AWS_BANNER.format(key=key.reveal(), architecture=architecture))
        await stop.wait()
        _say("stopping")


def main(arguments: list[str]) -> int:
    """Read the environment variables that HELP lists, and run. `aws` as the only argument is `make aws`."""
    if arguments not in ([], ["aws"]):
        asked = arguments[0] in ("-h", "--help", "help")
        print(HELP, end="", file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "providers-api")
    os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "ERROR")
    os.environ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"  # the lines that it prints may be pasted here, too
    host = os.environ.get("HOST", "127.0.0.1")
    given = os.environ.get("MANAGEMENT_KEY")
    key = Secret(given) if given else None
    vendors = os.environ.get("VENDORS", "emulator")
    port = os.environ.get("PORT", str(DEFAULT_PORT))
    aws_port = os.environ.get("AWS_PORT", str(DEFAULT_AWS_PORT) if port == str(DEFAULT_PORT) else "0")
    sweep = os.environ.get("SWEEP_SECONDS", "60")
    if vendors not in ("emulator", "real"):
        print("cannot start: VENDORS must be emulator or real", file=sys.stderr)
        return 1
    for name, value in (("PORT", port), ("AWS_PORT", aws_port)):
        if not (value.isdecimal() and int(value) < 65536):
            print(f"cannot start: {name} must be a number below 65536", file=sys.stderr)
            return 1
    if not sweep.replace(".", "", 1).isdecimal():
        print("cannot start: SWEEP_SECONDS must be a number (0 to disable)", file=sys.stderr)
        return 1
    try:
        if arguments == ["aws"]:
            asyncio.run(aws(host, key))
        else:
            data, webhook = os.environ.get("DATA"), os.environ.get("WEBHOOK") or None
            real, seconds = vendors == "real", float(sweep)
            serving = run(
                host, int(port), int(aws_port), key, data, webhook=webhook, real_vendors=real, sweep_seconds=seconds
            )
            asyncio.run(serving)
    except (ValueError, OSError) as error:
        print(f"cannot start: {error}", file=sys.stderr)
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE and not arguments:
            print("Choose another port: make run PORT=8888 (0 takes a free one)", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
