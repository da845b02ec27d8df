"""What a tool is, and who calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from mcp_types import ToolAnnotations
from pydantic import BaseModel

from providers_client.mcp import arguments
from providers_client.sync import Client
from providers_contract.bodies import Body

A = TypeVar("A", bound=Body)


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller: a client with their management key, and the variables that `api_key_env` may name.

    `environment` is None unless the caller configures the server, which is the case only over stdio.
    """

    client: Client
    environment: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Tool(Generic[A]):
    """A tool. `run` raises ProvidersAPIError or ConfigurationError; `results` are the models that it can return."""

    name: str
    title: str
    description: str
    takes: type[A]
    results: tuple[type[BaseModel], ...]
    annotations: ToolAnnotations
    run: Callable[[Caller, A], BaseModel]

    def call(self, caller: Caller, given: Mapping[str, Any]) -> BaseModel:
        """Validate the arguments and run the tool. Raises ProvidersAPIError, ConfigurationError."""
        return self.run(caller, arguments.read(self.takes, given))


def hints(title: str, *, reads: bool, destroys: bool, idempotent: bool, calls_vendor: bool) -> ToolAnnotations:
    """Return a tool's annotations."""
    return ToolAnnotations(
        title=title,
        read_only_hint=reads,
        destructive_hint=destroys,
        idempotent_hint=idempotent,
        open_world_hint=calls_vendor,
    )


READS: Final = {"reads": True, "destroys": False, "idempotent": True, "calls_vendor": False}
