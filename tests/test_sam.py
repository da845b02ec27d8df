"""The API in containers: `sam local start-api` over the built functions, against `make aws` on this machine.

Needs `make test-sam`'s build and a container engine. `SAM_HOST_ADDRESS` is this machine's address for the containers:
`host-gateway` for Docker, otherwise the address at which the engine's containers reach it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from local.vendors.keys import fake_key

ROOT = Path(__file__).parent.parent
BUILT = ROOT / ".aws-sam" / "local" / "template.yaml"
SAM = os.environ.get("SAM") or shutil.which("sam") or str(ROOT / ".venv-sam" / "bin" / "sam")
HOST_ADDRESS = os.environ.get("SAM_HOST_ADDRESS", "host-gateway")
KEY = "mlx_mk_sam_" + "0" * 64

pytestmark = pytest.mark.sam


def stop(process: subprocess.Popen[str]) -> None:
    """Stop a process with Ctrl-C. SAM CLI then removes its containers, one after the other; fail if it does not end."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    """Run `make aws` on the ports in local/sam-env.json."""
    host = "127.0.0.1" if HOST_ADDRESS == "127.0.0.1" else "0.0.0.0"
    process = subprocess.Popen(
        [sys.executable, "-m", "local", "aws"],
        cwd=ROOT,
        env={**os.environ, "MANAGEMENT_KEY": KEY, "HOST": host},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "curl" in line:
            break
    try:
        yield
    finally:
        stop(process)
        process.stdout.close()


@pytest.fixture(scope="module")
def api(aws: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """Run `sam local start-api` on a free port, and return a client."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("sam") / "log"
    command = [SAM, "local", "start-api", "--template", str(BUILT), "--port", str(port)]
    command += ["--config-file", str(ROOT / "samconfig.toml"), "--skip-pull-image"]
    command += ["--add-host", f"host.docker.internal:{HOST_ADDRESS}", "--parameter-overrides", architecture()]
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            # Background jobs of a shell ignore Ctrl-C, and so would SAM CLI.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - one thread runs here
        )
        try:
            wait_for(port, process, log)
            headers = {"authorization": f"Bearer {KEY}"}
            with httpx2.Client(
                base_url=f"http://127.0.0.1:{port}/manage/v1", headers=headers, timeout=120, trust_env=False
            ) as client:
                yield client
        finally:
            stop(process)
    written = re.sub(r"mlx_mk_\w+", "", log.read_text())
    assert "FAKE" not in written


def architecture() -> str:
    """Return this machine's architecture, which the build in .aws-sam/local is for."""
    machine = "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64"
    return f"Architecture={machine}"


def wait_for(port: int, process: subprocess.Popen[str], log: Path) -> None:
    """Wait up to two minutes until `port` is open."""
    for _ in range(240):
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.5)
    raise AssertionError(log.read_text())


def test_add_get_rotate_delete_in_containers(api: httpx2.Client) -> None:
    """A provider can be added, read, rotated and deleted with each function in its own container."""
    body = {"vendor": "openai", "name": "In a container", "api_key": fake_key("openai", "valid", 1)}
    added = api.post("/providers", json=body)
    assert added.status_code == 201, added.text
    provider = added.json()["data"]
    assert api.get(f"/providers/{provider['id']}").json()["data"] == provider
    assert api.get("/providers").json()["data"] == [provider]
    refused = api.patch(f"/providers/{provider['id']}", json={"api_key": fake_key("openai", "invalid", 1)})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "credential_rejected")
    rotated = api.patch(f"/providers/{provider['id']}", json={"api_key": fake_key("openai", "valid", 2)})
    assert (rotated.status_code, rotated.json()["data"]["key_version"]) == (200, 2)
    assert api.get(f"/providers/{provider['id']}/health").json()["data"]["state"] == "unknown"
    assert api.delete(f"/providers/{provider['id']}").json() == {"data": {"id": provider["id"], "deleted": True}}
    assert api.get(f"/providers/{provider['id']}").status_code == 404


def test_every_method_reaches_its_function(api: httpx2.Client) -> None:
    """HEAD responds like GET, OPTIONS lists the methods, and a method that the path lacks is 405."""
    assert (api.head("/providers").status_code, api.head("/providers/prov_1").status_code) == (200, 404)
    assert api.options("/providers").headers["allow"] == "GET, POST, HEAD, OPTIONS"
    refused = api.put("/providers", json={})
    assert (refused.status_code, refused.json()["error"]["code"]) == (405, "method_not_allowed")


def test_an_invalid_key_is_refused(api: httpx2.Client) -> None:
    """The authorizer refuses a wrong key in its container; SAM CLI's own errors have another format."""
    wrong = {"authorization": "Bearer mlx_mk_sam_" + "1" * 64}
    assert api.get("/providers", headers=wrong).status_code in (401, 403)
