"""The whole stack over real HTTP: one for each module, a management key for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from local.background import in_background
from local.stack import Stack, running_stack
from providers_contract.vocabulary import Scope

_numbers = itertools.count()
PATIENT = {"VERIFICATIONS_PER_MINUTE_PER_ORG": "100000", "VERIFICATIONS_PER_MINUTE": "100000"}
"""Limits for a stack that many tests share: it verifies more credentials a minute than a real one."""


@dataclass
class Api:
    """A caller of the stack, with its own management key."""

    stack: Stack
    client: httpx2.Client
    key: str

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        """Send a request; `headers` are written with underscores."""
        given = {"authorization": f"Bearer {self.key}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return self.client.request(method, f"/manage/v1{path}", json=body, headers=given)

    def add(self, api_key: str, vendor: str = "openai", **members: Any) -> httpx2.Response:
        """POST a provider."""
        body = {"vendor": vendor, "name": f"{vendor} {next(_numbers)}", "api_key": api_key} | members
        return self.call("POST", "/providers", body)

    def added(self, api_key: str, vendor: str = "openai", **members: Any) -> Any:
        """Add a provider, and return it."""
        response = self.add(api_key, vendor, **members)
        assert response.status_code == 201, response.text
        return response.json()["data"]

    def rotate(self, provider_id: str, api_key: str) -> httpx2.Response:
        """PATCH a provider's key."""
        return self.call("PATCH", f"/providers/{provider_id}", {"api_key": api_key})

    def another(self, org: str, *scopes: Scope) -> Api:
        """Return a caller with another key."""
        return Api(self.stack, self.client, self.stack.mint(org, *scopes).reveal())


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Run a stack for the length of a module."""
    with in_background(running_stack(settings=PATIENT)) as running:
        yield running


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx2.Client]:
    """Yield an HTTP client for it, without the environment's proxies."""
    with httpx2.Client(base_url=stack.url, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def api(stack: Stack, http: httpx2.Client, request: pytest.FixtureRequest) -> Api:
    """Return a caller of an organization that no other test uses."""
    org = "org_" + request.node.name.partition("[")[0][-40:]
    return Api(stack, http, stack.mint(org).reveal())
