"""Data keys, replaced and destroyed with the operator's own rights; the local stack serves the same functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from providers.ports import Ports
from providers.usecases.data_keys import (
    DataKeyInUse,
    Resealed,
    UnknownDataKey,
    destroy_data_key,
    list_data_keys,
    reseal,
    rotate_data_key,
)
from providers_client.cli.management_keys import ask_local, deployed
from providers_client.errors import ConfigurationError

LOCAL_PATH: Final = "/_local/data-keys"


class DataKeys(Protocol):
    """Where data keys are kept."""

    def do(self, action: str, org: str, key_id: str | None = None) -> Any:
        """`list`, `rotate`, `reseal` or `destroy`. Raises ConfigurationError and ProvidersAPIError."""
        ...


@dataclass(frozen=True, slots=True)
class StackDataKeys:
    """The data keys of a stack whose tables and KMS key can be reached."""

    ports: Ports

    def do(self, action: str, org: str, key_id: str | None = None) -> Any:
        """What was done, as plain members."""
        try:
            match action:
                case "list":
                    return [
                        {
                            "id": use.key.id,
                            "created_at": use.key.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                            "versions": use.versions,
                            "current": use.current,
                        }
                        for use in list_data_keys(self.ports, org)
                    ]
                case "rotate":
                    return _view(rotate_data_key(self.ports, org))
                case "reseal":
                    return _view(reseal(self.ports, org))
                case "destroy":
                    destroy_data_key(self.ports, org, key_id or "")
                    return {"id": key_id, "destroyed": True}
        except (UnknownDataKey, DataKeyInUse) as error:
            raise ConfigurationError(str(error)) from None
        raise ConfigurationError("no such action")


@dataclass(frozen=True, slots=True)
class DeployedDataKeys:
    """The data keys of a CloudFormation stack, with the AWS credentials that boto3 finds."""

    stack: str

    def do(self, action: str, org: str, key_id: str | None = None) -> Any:
        """Needs to read and write both tables, and to use the stack's KMS key."""
        with deployed(self.stack) as ports:
            return StackDataKeys(ports).do(action, org, key_id)


@dataclass(frozen=True, slots=True)
class LocalDataKeys:
    """The data keys of the stack that `make run` serves on this machine."""

    base_url: str

    def do(self, action: str, org: str, key_id: str | None = None) -> Any:
        """The stack does it."""
        return ask_local(self.base_url, LOCAL_PATH, "POST", {"action": action, "org": org, "key_id": key_id})


def serve(ports: Ports, body: Mapping[str, Any]) -> Any:
    """What the local stack answers on LOCAL_PATH; `{"refused": …}` if it cannot be done."""
    try:
        return StackDataKeys(ports).do(str(body.get("action")), str(body.get("org")), body.get("key_id"))
    except ConfigurationError as error:
        return {"refused": str(error)}


def _view(done: Resealed) -> dict[str, Any]:
    return {
        "id": done.key.id,
        "versions": done.versions,
        "broken": list(done.broken),
        "settled_in_s": int(done.settled_in.total_seconds()),
    }
