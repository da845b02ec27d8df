"""A stack that runs for a module, and the command line in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest.mock import patch
from zlib import crc32

import httpx2
import pytest
from click.testing import CliRunner

from local.background import in_background
from local.stack import Stack, running_stack
from providers.edge import logs  # noqa: F401 - it logs to what is standard output when it is imported
from providers_client import Client
from providers_client.cli.app import app
from providers_contract.vocabulary import Scope
from tests.client.canned import KEY, Script


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A stack that runs while a module's tests do."""
    with in_background(running_stack()) as running:
        yield running


@dataclass(frozen=True)
class Done:
    """The result of a command."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Return the `data` that `--json` printed."""
        return json.loads(self.out)["data"]


@dataclass(frozen=True)
class Commands:
    """Runs commands with the given environment variables."""

    environment: dict[str, str]
    seen: list[str] = field(default_factory=list)

    def __call__(
        self, *arguments: str, stdin: str | None = None, answers: str | None = None, **environment: str
    ) -> Done:
        """Run a command; `stdin` is its standard input, `answers` a person's; `environment` adds variables."""
        with patch("providers_client.cli.session.has_terminal", lambda: answers is not None):
            given = {"XDG_CONFIG_HOME": os.devnull} | self.environment | environment  # without a person's own profiles
            found = CliRunner().invoke(app, arguments, input=answers or stdin, env=given)
        assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
        self.seen.append(found.output)
        return Done(found.exit_code, found.stdout, found.stderr)

    def ok(self, *arguments: str, stdin: str | None = None, answers: str | None = None, **environment: str) -> Done:
        """Run a command that must succeed."""
        done = self(*arguments, stdin=stdin, answers=answers, **environment)
        assert done.code == 0, done.err
        return done


@pytest.fixture
def providers(stack: Stack, request: pytest.FixtureRequest) -> Commands:
    """Commands against the stack, for a new organization."""
    name = request.node.name
    return commands(stack, f"org_{name.partition('[')[0][-40:]}_{crc32(name.encode()):08x}")


def commands(stack: Stack, org: str, *scopes: Scope) -> Commands:
    """Return commands against the stack with a management key of `org`."""
    key = stack.mint(org, *scopes).reveal()
    return Commands({"PROVIDERS_API_URL": stack.url, "PROVIDERS_API_KEY": key, "PROVIDERS_FORCE_TTY": "160"})


def no_connection(*_: object) -> None:
    """Fail, as without a network."""
    raise OSError


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Commands, Script]]:
    """Commands with canned responses, for endpoints that are hard to reach."""

    def make(*responses: httpx2.Response) -> tuple[Commands, Script]:
        script = Script(responses)
        transport = httpx2.MockTransport(script)
        monkeypatch.setattr("providers_client.sync.Client", partial(Client, transport=transport))
        monkeypatch.setattr("providers_client.cli.quick_read._opener", no_connection)
        environment = {"PROVIDERS_API_URL": "https://a.example.com", "PROVIDERS_API_KEY": KEY}
        return Commands(environment | {"PROVIDERS_FORCE_TTY": "160"}), script

    return make
