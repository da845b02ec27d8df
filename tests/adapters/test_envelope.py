"""Sealing: what can be opened, what cannot, and how often KMS is called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from providers.adapters.digests import StackDigests
from providers.adapters.envelope import FIRST_KEY, KmsEnvelope
from providers.adapters.tables.data_keys import DynamoDataKeys
from providers.model.errors import Unavailable
from providers.ports import TamperedCredential
from providers_contract.secret import Secret
from providers_data_plane.sealed import DATA_KEY_CACHE, Destination, SealedCredential
from tests.kit.aws import REGION, Tables, moto_tables
from tests.kit.fakes import FakeClock

KEY = Secret("sk-fake-canary-0000000000000000")
OPENAI = Destination("openai", None)


@dataclass
class Vault:
    tables: Tables
    kms: Any
    key_id: str
    calls: list[tuple[str, dict[str, Any]]]

    def cipher(self, cache: timedelta = DATA_KEY_CACHE) -> KmsEnvelope:
        keys = DynamoDataKeys(self.tables.client, self.tables.secrets, prefix="ORG#")
        return KmsEnvelope(self.kms, self.key_id, keys, FakeClock(), cache)

    def digests(self) -> StackDigests:
        return StackDigests(self.kms, self.key_id, DynamoDataKeys(self.tables.client, self.tables.main))


@pytest.fixture
def vault() -> Iterator[Vault]:
    """moto's DynamoDB and KMS, with every KMS call recorded."""
    with moto_tables() as tables:
        kms = boto3.client("kms", region_name=REGION)
        key_id = kms.create_key()["KeyMetadata"]["KeyId"]
        calls: list[tuple[str, dict[str, Any]]] = []
        kms.meta.events.register(
            "provide-client-params.kms.*", lambda params, model, **_: calls.append((model.name, params))
        )
        yield Vault(tables, kms, key_id, calls)


def test_a_sealed_credential_opens(vault: Vault) -> None:
    """A sealed credential opens in another process too, and its row does not contain the plaintext."""
    sealed = vault.cipher().seal("org_a", "prov_1", 1, OPENAI, KEY)
    assert KEY.reveal().encode() not in sealed.ciphertext
    assert vault.cipher().open(sealed, OPENAI) == KEY


def flip(ciphertext: bytes) -> bytes:
    return bytes([ciphertext[0] ^ 1]) + ciphertext[1:]


MOVES = {
    "another organization": lambda row: replace(row, org="org_b"),
    "another provider": lambda row: replace(row, provider_id="prov_2"),
    "another version": lambda row: replace(row, version=2),
    "another data key": lambda row: replace(row, data_key_id="00000002"),
    "a boundary moved": lambda row: replace(row, org="org_aprov_", provider_id="1"),
    "a changed byte": lambda row: replace(row, ciphertext=flip(row.ciphertext)),
    "a changed nonce": lambda row: replace(row, nonce=flip(row.nonce)),
    "an empty row": lambda row: replace(row, ciphertext=b""),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES.keys())
def test_a_row_that_was_moved_or_changed_does_not_open(vault: Vault, move: Any) -> None:
    """A row that was copied to another key or modified does not open."""
    cipher = vault.cipher()
    cipher.seal("org_b", "prov_1", 1, OPENAI, KEY)
    row: SealedCredential = cipher.seal("org_a", "prov_1", 1, OPENAI, KEY)
    with pytest.raises(TamperedCredential):
        cipher.open(move(row), OPENAI)


OTHER_DESTINATIONS = [
    Destination("groq", None),
    Destination("openai", "https://eu.api.openai.com"),
    Destination("openaihttps://", "eu.api.openai.com"),
]


@pytest.mark.parametrize("destination", OTHER_DESTINATIONS)
def test_a_credential_opens_only_for_the_destination_it_was_sealed_for(vault: Vault, destination: Destination) -> None:
    """A modified vendor or base_url never redirects a stored credential."""
    cipher = vault.cipher()
    with pytest.raises(TamperedCredential):
        cipher.open(cipher.seal("org_a", "prov_1", 1, OPENAI, KEY), destination)
    with pytest.raises(TamperedCredential):
        cipher.open(cipher.seal("org_a", "prov_1", 1, destination, KEY), OPENAI)


def test_the_encryption_context_names_purpose_organization_and_key(vault: Vault) -> None:
    """KMS, its policies and its trail see what each data key is for."""
    vault.cipher().seal("org_a", "prov_1", 1, OPENAI, KEY)
    assert [name for name, _ in vault.calls] == ["GenerateDataKeyWithoutPlaintext", "Decrypt"]
    for _, params in vault.calls:
        assert params["EncryptionContext"] == {
            "purpose": "organization-data-key",
            "org": "org_a",
            "data_key_id": "00000001",
        }
        assert params["KeyId"] == vault.key_id


def test_a_warm_data_key_costs_no_kms_call(vault: Vault) -> None:
    """One unwrapped data key serves an organization for five minutes."""
    cipher = vault.cipher()
    row = cipher.seal("org_a", "prov_1", 1, OPENAI, KEY)
    vault.calls.clear()
    for _ in range(10):
        cipher.open(row, OPENAI)
        cipher.seal("org_a", "prov_2", 1, Destination("groq", None), KEY)
    assert vault.calls == []


def test_an_unwrapped_key_does_not_outlive_its_time(vault: Vault) -> None:
    """With no caching, each use calls KMS and no key stays in memory."""
    cipher = vault.cipher(cache=timedelta(0))
    row = cipher.seal("org_a", "prov_1", 1, OPENAI, KEY)
    vault.calls.clear()
    cipher.open(row, OPENAI)
    cipher.open(row, OPENAI)
    assert [name for name, _ in vault.calls] == ["Decrypt", "Decrypt"]


def test_old_keys_leave_memory_when_any_key_is_used(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Using any key removes expired keys of all organizations from memory; newer ones stay."""
    cipher, now = vault.cipher(), [1000.0]
    for module in ("providers.adapters.envelope", "providers_data_plane.unsealing"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(monotonic=lambda: now[0]))
    rows = {}
    for org in ("org_a", "org_b", "org_c"):
        rows[org] = cipher.seal(org, "prov_1", 1, OPENAI, KEY)
        now[0] += 100
    vault.calls.clear()
    now[0] = 1450.0  # five minutes after the second was unwrapped, and not yet after the third
    cipher.open(rows["org_c"], OPENAI)
    assert vault.calls == []
    cipher.open(rows["org_a"], OPENAI)
    assert list(cipher._opened._keys) == [("org_c", FIRST_KEY), ("org_a", FIRST_KEY)]


def test_concurrent_first_credentials_share_one_key(vault: Vault) -> None:
    """If two processes create the first data key at once, both use the one stored first."""
    one, two = vault.cipher(), vault.cipher()
    stored = DynamoDataKeys.put

    def overtaken(self: DynamoDataKeys, owner: str, key: Any) -> None:
        DynamoDataKeys.put = stored  # type: ignore[method-assign]
        rows.append(two.seal("org_a", "prov_2", 1, OPENAI, KEY))
        stored(self, owner, key)

    rows: list[SealedCredential] = []
    DynamoDataKeys.put = overtaken  # type: ignore[method-assign]
    try:
        rows.append(one.seal("org_a", "prov_1", 1, OPENAI, KEY))
    finally:
        DynamoDataKeys.put = stored  # type: ignore[method-assign]
    assert [vault.cipher().open(row, OPENAI) for row in rows] == [KEY, KEY]


def test_a_new_data_key_seals_from_now_on(vault: Vault) -> None:
    """New rows use the new data key, older rows still open in every process, and key ids increase."""
    cipher = vault.cipher()
    old = cipher.seal("org_a", "prov_1", 1, OPENAI, KEY)
    assert cipher.add_data_key("org_a").id == "00000002"
    new = cipher.seal("org_a", "prov_1", 2, OPENAI, KEY)
    assert (old.data_key_id, new.data_key_id) == (FIRST_KEY, "00000002")
    other = vault.cipher()
    assert [other.open(row, OPENAI) for row in (old, new)] == [KEY, KEY]
    assert other.seal("org_a", "prov_1", 3, OPENAI, KEY).data_key_id == "00000002"
    assert [key.id for key in cipher.data_keys("org_a")] == ["00000002", FIRST_KEY]


def test_another_process_seals_under_the_new_key_within_five_minutes(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other processes switch to the new data key within five minutes; until then the old one must be kept."""
    cipher, now = vault.cipher(), [1000.0]
    for module in ("providers.adapters.envelope", "providers_data_plane.unsealing"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(monotonic=lambda: now[0]))
    cipher.seal("org_a", "prov_1", 1, OPENAI, KEY)
    vault.cipher().add_data_key("org_a")
    now[0] += 299
    assert cipher.seal("org_a", "prov_1", 2, OPENAI, KEY).data_key_id == FIRST_KEY
    now[0] += 1
    assert cipher.seal("org_a", "prov_1", 3, OPENAI, KEY).data_key_id == "00000002"


def test_other_organizations_do_not_delay_the_new_key(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Activity of one organization does not extend the cache time of another's key."""
    cipher, now = vault.cipher(), [1000.0]
    for module in ("providers.adapters.envelope", "providers_data_plane.unsealing"):
        monkeypatch.setattr(f"{module}.time", SimpleNamespace(monotonic=lambda: now[0]))
    read, other = (vault.cipher().seal(org, "prov_1", 1, OPENAI, KEY) for org in ("org_a", "org_b"))
    cipher.open(other, OPENAI)  # its key is cached 200 s before the newest key's id is
    now[0] += 200
    cipher.seal("org_b", "prov_1", 2, OPENAI, KEY)
    cipher.seal("org_a", "prov_1", 2, OPENAI, KEY)
    vault.cipher().add_data_key("org_a")
    now[0] += 100
    cipher.seal("org_b", "prov_1", 3, OPENAI, KEY)  # renewed
    now[0] += 200
    cipher.open(read, OPENAI)  # the old key is in memory again
    assert cipher.seal("org_a", "prov_1", 3, OPENAI, KEY).data_key_id == "00000002"


def test_a_credential_under_a_destroyed_data_key_never_opens(vault: Vault) -> None:
    """After a data key is destroyed, its rows cannot be opened, not even from a backup."""
    cipher = vault.cipher()
    old = cipher.seal("org_a", "prov_1", 1, OPENAI, KEY)
    cipher.add_data_key("org_a")
    cipher.destroy_data_key("org_a", FIRST_KEY)
    for each in (cipher, vault.cipher()):
        with pytest.raises(TamperedCredential):
            each.open(old, OPENAI)


def test_a_nonce_is_used_once(vault: Vault) -> None:
    """The same credential has a different ciphertext each time that it is sealed."""
    cipher = vault.cipher()
    rows = [cipher.seal("org_a", "prov_1", 1, OPENAI, KEY) for _ in range(50)]
    assert len({row.nonce for row in rows}) == len({row.ciphertext for row in rows}) == 50


def test_digests_need_the_stack_key_and_differ_by_purpose(vault: Vault) -> None:
    """Digests are equal in every process, differ by purpose, and depend on the boundaries of the parts."""
    vault.digests().create()
    vault.digests().create()
    one = vault.digests().digest("cursor", "ab", "c")
    assert one == vault.digests().digest("cursor", "ab", "c")
    assert len({one, vault.digests().digest("cursor", "a", "bc"), vault.digests().digest("other", "ab", "c")}) == 3


def test_without_the_digest_key_an_error_says_so(vault: Vault) -> None:
    """Without a digest key, the error says that no management key was created yet."""
    with pytest.raises(Unavailable) as caught:
        vault.digests().digest("cursor", "x")
    assert "mint" in caught.value.message
