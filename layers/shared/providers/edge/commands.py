"""Parses request bodies into the commands of the use cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, SecretStr

from providers.model.errors import invalid_field, validation_failed
from providers.model.routing import Attempt
from providers.usecases.commands import Change, NewProvider
from providers.vendors.base import clean
from providers_contract.bodies import (
    AddProviderBody,
    CreateUploadBody,
    PutRoutingConfigBody,
    RollbackBody,
    UpdateProviderBody,
    UseUploadForm,
)
from providers_contract.secret import Secret, trimmed
from providers_contract.validation import validated
from providers_contract.vocabulary import Status, Strategy

if TYPE_CHECKING:
    from providers.usecases.uploads import Wanted

M = TypeVar("M", bound=BaseModel)

_SECRET_PART: Final = 24
"""The shortest part of a credential that other fields must not contain: an AWS key id, which is not secret, has 20."""


def new_provider(body: dict[str, Any]) -> NewProvider:
    """Return the provider to add. Raises Unprocessable: validation_failed, credential_format."""
    found = _validated(AddProviderBody, body)
    api_key = _credential(found.api_key, name=found.name, base_url=found.base_url, tags=" ".join(found.tags))
    return NewProvider(**_given(found) | {"api_key": api_key})


def change(body: dict[str, Any]) -> Change:
    """Return the requested change. Raises Unprocessable: validation_failed, credential_format."""
    found = _validated(UpdateProviderBody, body)
    given = found.model_fields_set
    if not given:
        raise validation_failed([{"param": None, "message": "the body contains nothing to change", "code": "missing"}])
    nothing = [name for name in ("api_key", "status") if name in given and getattr(found, name) is None]
    if nothing:
        raise validation_failed([{"param": name, "message": "must be a string", "code": "type"} for name in nothing])
    fields = _given(found)
    if found.api_key is not None:
        shown = {"name": found.name, "base_url": found.base_url, "tags": " ".join(found.tags)}
        fields["api_key"] = _credential(found.api_key, **shown)
    if found.status is not None:
        fields["status"] = Status(found.status)
    return Change(**fields)


def upload(body: dict[str, Any]) -> Wanted:
    """Return the provider that an upload link is for. Raises Unprocessable (validation_failed)."""
    from providers.usecases.uploads import ToAdd, ToRotate  # late: with it come the use cases of all other changes

    found = _validated(CreateUploadBody, body)
    given = [name for name in ("vendor", "name", "base_url") if getattr(found, name) is not None]
    if found.provider_id is not None:
        if given:
            message = "cannot be combined with provider_id"
            raise validation_failed([{"param": name, "message": message, "code": "extra_forbidden"} for name in given])
        return ToRotate(found.provider_id)
    if found.vendor is None or found.name is None:
        missing = [name for name in ("vendor", "name") if name not in given]
        message = "is required, unless provider_id names a provider to rotate"
        raise validation_failed([{"param": name, "message": message, "code": "missing"} for name in missing])
    return ToAdd(found.vendor, found.name, found.base_url)


def api_key(fields: dict[str, Any]) -> Secret:
    """Return the credential in an upload link's form. Raises Unprocessable: validation_failed, credential_format."""
    return clean(_validated(UseUploadForm, fields).api_key.get_secret_value())


def rollback(body: dict[str, Any]) -> int | None:
    """Return the version to restore, None for the previous one. Raises Unprocessable (validation_failed)."""
    return _validated(RollbackBody, body).version


def routing(body: dict[str, Any]) -> tuple[str, tuple[Attempt, ...]]:
    """Return strategy and attempts of a routing config. Raises Unprocessable (validation_failed)."""
    found = _validated(PutRoutingConfigBody, body)
    if found.strategy == Strategy.SINGLE and len(found.attempts) != 1:
        raise invalid_field("attempts", "must have exactly one entry with strategy single", "length")
    return found.strategy, tuple(Attempt(each.provider_id, each.model) for each in found.attempts)


def _credential(given: SecretStr, **shown: str | None) -> Secret:
    """Return the credential in a body.

    Raises Unprocessable: credential_format; validation_failed if a field in `shown`, which appears in responses and
    events, contains it.
    """
    text = trimmed(given.get_secret_value())
    parts = [part for part in text.split("::") if len(part) >= _SECRET_PART]
    message = "must not contain the credential: everyone who can read providers sees this field"
    errors = [
        {"param": name, "message": message, "code": "holds_credential"}
        for name, value in shown.items()
        if value and any(part in value for part in parts)
    ]
    if errors:
        raise validation_failed(errors)
    return clean(text)


def _given(body: BaseModel) -> dict[str, Any]:
    """Return the given fields, as arguments of the command with the same fields."""
    return {name: getattr(body, name) for name in body.model_fields_set}


def _validated(model: type[M], body: dict[str, Any]) -> M:
    return validated(model, body, validation_failed)
