"""Authentication with management keys: valid, malformed, revoked, expired and over their limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from providers.model.errors import Unauthenticated
from providers.model.management_key import ManagementKey
from providers.model.policy import Policy
from providers.usecases.management_keys import authenticate, mint_management_key, revoke_management_key
from providers_contract.secret import Secret
from providers_contract.vocabulary import Scope
from tests.kit.fakes import FakePorts


def bearer(token: Secret) -> str:
    return f"Bearer {token.reveal()}"


def test_a_minted_key_authenticates_its_organization_and_scopes() -> None:
    """A key determines its organization and scopes."""
    ports = FakePorts()
    key, token = mint_management_key(ports, "org_a", "CI", [Scope.PROVIDERS_READ])
    caller = authenticate(ports, bearer(token))
    assert (caller.key.org, list(caller.key.scopes)) == ("org_a", [Scope.PROVIDERS_READ])
    assert (caller.limit, caller.remaining, caller.limited) == (60, 59, False)
    stored = ports.management_keys.get(key.id)
    assert stored is not None
    assert stored.last_used_at == ports.clock.now()


def test_the_secret_is_not_stored() -> None:
    """No part of the token's secret is stored."""
    ports = FakePorts()
    key, token = mint_management_key(ports, "org_a", "CI", list(Scope))
    secret = token.reveal().rpartition("_")[2]
    assert len(bytes.fromhex(secret)) == 32
    assert secret not in repr(ports.management_keys.get(key.id))


BAD = [
    (None, "missing_api_key"),
    ("", "missing_api_key"),
    ("Basic dXNlcjpwYXNz", "missing_api_key"),
    ("Bearer", "invalid_api_key"),
    ("Bearer nonsense", "invalid_api_key"),
    ("Bearer mlx_mk_unknown_" + "0" * 64, "invalid_api_key"),
    ("Bearer mlx_mk_é_" + "0" * 64, "invalid_api_key"),
]


@pytest.mark.parametrize(("header", "code"), BAD)
def test_malformed_keys_are_refused(header: str | None, code: str) -> None:
    """A missing token and a malformed token are different errors."""
    with pytest.raises(Unauthenticated) as caught:
        authenticate(FakePorts(), header)
    assert caught.value.code == code


def test_a_wrong_secret_is_refused() -> None:
    """A known id with a wrong secret is refused."""
    ports = FakePorts()
    _, token = mint_management_key(ports, "org_a", "CI", list(Scope))
    with pytest.raises(Unauthenticated):
        authenticate(ports, bearer(Secret(token.reveal()[:-1] + ("0" if token.reveal()[-1] != "0" else "1"))))


def test_a_revoked_key_stops_with_the_next_request() -> None:
    """A revoked key is refused on the next request; nothing is cached."""
    ports = FakePorts()
    key, token = mint_management_key(ports, "org_a", "CI", list(Scope))
    authenticate(ports, bearer(token))
    revoke_management_key(ports, key.id)
    with pytest.raises(Unauthenticated):
        authenticate(ports, bearer(token))


ALTERED: dict[str, dict[str, Any]] = {
    "another organization": {"org": "org_b"},
    "more scopes": {"scopes": frozenset(Scope)},
    "a later expiry": {"expires_at": FakePorts().clock.now() + timedelta(days=999)},
    "no expiry": {"expires_at": None},
    "an earlier creation": {"created_at": FakePorts().clock.now() - timedelta(days=1)},
    "another name": {"name": "someone else"},
    "no mac": {"mac": ""},
}


@pytest.mark.parametrize("altered", ALTERED.values(), ids=ALTERED)
def test_a_key_with_a_tampered_item_is_refused(altered: dict[str, Any]) -> None:
    """Tampering with the table gives a key no other organization, scopes or times."""
    ports = FakePorts()
    end = ports.clock.now() + timedelta(days=1)
    key, token = mint_management_key(ports, "org_a", "CI", [Scope.PROVIDERS_READ], expires_at=end)
    authenticate(ports, bearer(token))
    ports.management_keys.keys[key.id] = replace(ports.management_keys.keys[key.id], **altered)
    with pytest.raises(Unauthenticated):
        authenticate(ports, bearer(token))


def test_a_revocation_cannot_be_erased() -> None:
    """A key's MAC covers its revocation."""
    ports = FakePorts()
    key, token = mint_management_key(ports, "org_a", "CI", list(Scope))
    revoked = revoke_management_key(ports, key.id)
    assert revoke_management_key(ports, key.id) == revoked
    ports.management_keys.keys[key.id] = replace(revoked, revoked_at=None)
    with pytest.raises(Unauthenticated):
        authenticate(ports, bearer(token))


def test_concurrent_revocations_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Concurrent revocations return the same time."""
    ports = FakePorts()
    key, _ = mint_management_key(ports, "org_a", "CI", list(Scope))
    store = ports.management_keys.revoke
    first: list[ManagementKey] = []

    def lose(revoked: ManagementKey) -> None:
        monkeypatch.undo()
        first.append(revoke_management_key(ports, key.id))
        store(revoked)

    monkeypatch.setattr(ports.management_keys, "revoke", lose)
    assert [revoke_management_key(ports, key.id)] == first


def test_an_expired_key_is_refused() -> None:
    """A key is valid until just before its expiry."""
    ports = FakePorts()
    end = ports.clock.now() + timedelta(minutes=1)
    _, token = mint_management_key(ports, "org_a", "CI", list(Scope), expires_at=end)
    authenticate(ports, bearer(token))
    ports.clock.pass_time(minutes=1)
    with pytest.raises(Unauthenticated):
        authenticate(ports, bearer(token))


def test_the_rate_limit_restarts_each_minute() -> None:
    """The rate limit is per key and resets every minute."""
    ports = FakePorts(Policy(rate_limit=2))
    _, token = mint_management_key(ports, "org_a", "CI", list(Scope))
    _, other = mint_management_key(ports, "org_a", "other", list(Scope))
    ports.clock.pass_time(seconds=15)
    seen = [authenticate(ports, bearer(token)) for _ in range(3)]
    assert [(each.remaining, each.limited, each.reset_s) for each in seen] == [
        (1, False, 45),
        (0, False, 45),
        (0, True, 45),
    ]
    assert not authenticate(ports, bearer(other)).limited
    ports.clock.pass_time(seconds=45)
    assert not authenticate(ports, bearer(token)).limited


@pytest.mark.parametrize("token", ["x", "mlx_mk_id_short", "mlx_mk__" + "0" * 64, "mlx_mk_ID_" + "0" * 64])
def test_a_token_of_another_form_is_not_minted(token: str) -> None:
    """A chosen token must have the standard form, so that it is long enough."""
    with pytest.raises(ValueError, match="mlx_mk_"):
        mint_management_key(FakePorts(), "org_a", "CI", list(Scope), token=Secret(token))
