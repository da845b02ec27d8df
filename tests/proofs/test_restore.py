"""Both tables are restored from a backup, as docs/operations.md says, and a stack works with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from local.template import Template
from providers.model.errors import Unavailable
from providers.usecases.data_keys import rotate_data_key
from providers.usecases.management_keys import authenticate, mint_management_key, revoke_management_key
from providers.usecases.resolve import resolve
from providers_contract.vocabulary import Scope
from tests.proofs.world import ORG, WORLDS, Process, World, add, at_once, delete, fake_key, rotate

SETUP = (add("A"), rotate("A", "two"), add("B"))


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world of each kind, with two providers, one of them rotated."""
    with WORLDS[request.param]() as made:
        made.begin_with(SETUP)
        yield made


def restored(world: World, items: dict[tuple[str, str, str], dict[str, Any]], key_id: str | None = None) -> Process:
    """Return a process of a stack whose tables are new and hold `items`, as a restore leaves them.

    Neither moto nor DynamoDB Local keeps a history, so the items are those that the caller read at the time.
    """
    client, names = world.tables.client, {}
    tables = {"MainTable": world.tables.main, "SecretsTable": world.tables.secrets}
    for logical_id, arguments in Template().tables.items():
        names[tables[logical_id]] = name = f"{tables[logical_id]}-restored"
        client.create_table(**(arguments | {"TableName": name}))
    for (table, _, _), item in items.items():
        client.put_item(TableName=names[table], Item=item)
    old = world.auditor.settings
    settings = replace(
        old,
        main_table=names[world.tables.main],
        secrets_table=names[world.tables.secrets],
        kms_key_id=key_id or old.kms_key_id,
    )
    return Process(settings, world._clients, world.clock(), at_once)


@pytest.fixture(autouse=True)
def _no_table_is_left(world: World) -> Iterator[None]:
    yield
    for name in world.tables.client.list_tables()["TableNames"]:
        if name.endswith("-restored"):
            world.tables.client.delete_table(TableName=name)


def read(process: Process, provider_id: str, version: int | None = None) -> str:
    """Return the credential that a data plane reads."""
    return resolve(process, ORG, provider_id, version).secret.reveal()


def test_credentials_open_with_the_same_kms_key_after_a_restore(world: World) -> None:
    """Credentials rotated or deleted after the backup are restored, replaced versions included."""
    backup = world.items()
    for request in (rotate("B", "two"), delete("A")):
        assert world.send(request, world.process()).status < 300
    process = restored(world, backup)
    assert read(process, world.ids["A"]) == fake_key("A-two")
    assert read(process, world.ids["A"], 1) == fake_key("A-one")
    assert read(process, world.ids["B"]) == fake_key("B-one")


def test_a_restored_stack_goes_on(world: World) -> None:
    """Providers can be rotated, the sweep finds them, and data keys can be replaced."""
    process = restored(world, world.items())
    assert world.send(rotate("A", "three"), process).status == 200
    assert read(process, world.ids["A"]) == fake_key("A-three")
    due = {each.provider_id for shard in range(60) for each in process.probes.list_due(shard)}
    assert due == set(world.ids.values())
    assert rotate_data_key(process, ORG).broken == []
    assert read(process, world.ids["B"]) == fake_key("B-one")


def test_a_management_key_that_was_revoked_after_the_backup_works_again(world: World) -> None:
    """A restored management key works again, so the page says to revoke it once more."""
    key, token = mint_management_key(world.process(), ORG, "ci", list(Scope))
    backup = world.items()
    revoke_management_key(world.process(), key.id)
    process = restored(world, backup)
    header = f"Bearer {token.reveal()}"
    assert authenticate(process, header).key.org == ORG
    revoke_management_key(process, key.id)
    with pytest.raises(Exception, match="management key"):
        authenticate(process, header)


def test_a_restore_is_worthless_without_its_kms_key(world: World) -> None:
    """With another KMS key no credential can be decrypted: keep the key as long as the backups."""
    other = boto3.client("kms", region_name="us-east-1").create_key()["KeyMetadata"]["KeyId"]
    process = restored(world, world.items(), other)
    with pytest.raises(Unavailable):
        read(process, world.ids["A"])
