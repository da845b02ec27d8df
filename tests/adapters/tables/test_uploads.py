"""Upload links."""

from __future__ import annotations

from typing import Any

import pytest

from providers.ports import SideWrites, StaleWrite, UploadUsed
from tests.kit.stores import ONE, Stores, create, upload


def test_a_link_is_used_up_once(stores: Stores) -> None:
    """A link can be used only once, even without another change in the same transaction."""
    stores.uploads.put(upload(1))
    stores.uploads.use("up_1")
    with pytest.raises(UploadUsed):
        stores.uploads.use("up_1")


@pytest.mark.parametrize("members", [{}, {"base_url": "https://a.openai.azure.com", "provider_id": ONE.id}])
def test_an_upload_link_is_read_as_it_was_written(stores: Stores, members: dict[str, Any]) -> None:
    """Every field is read as it was written, and an id is used only once."""
    stores.uploads.put(upload(**members))
    assert stores.uploads.get("up_1") == upload(**members)
    assert stores.uploads.get("up_2") is None
    with pytest.raises(StaleWrite):
        stores.uploads.put(upload(org="org_b"))
    assert stores.uploads.get("up_1") == upload(**members)


def test_attempts_at_a_link_are_counted(stores: Stores) -> None:
    """Attempts are counted until the link is used; a deleted link stays deleted."""
    stores.uploads.put(upload())
    assert [stores.uploads.count_attempt("up_1") for _ in range(3)] == [1, 2, 3]
    assert stores.uploads.get("up_1") == upload(tries=3)
    create(stores, side_writes=SideWrites(consumed_link=upload()))
    for gone in ("up_1", "up_2"):
        with pytest.raises(UploadUsed):
            stores.uploads.count_attempt(gone)
        assert stores.uploads.get(gone) is None
