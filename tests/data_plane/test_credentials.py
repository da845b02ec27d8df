"""Using a credential: which one, for how long, with how many calls, and what happens while AWS fails."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from providers.usecases.delete import delete_provider
from providers.usecases.versions import destroy_version
from providers_contract.vocabulary import Status
from providers_data_plane import (
    BaseUrlNotAllowed,
    ConfigurationError,
    CredentialError,
    Credentials,
    CredentialTampered,
    ProviderDisabled,
    ProviderNotFound,
    Unavailable,
    VersionNotFound,
)
from providers_data_plane.cache import THREADS
from tests.kit.data_plane import OTHER_HOST, Deployment, deployment
from tests.kit.requests import ORG, key

COLD = ["GetItem", "GetItem", "GetItem", "Decrypt"]
"""A provider item, a version's row, a data key's item, and KMS."""


def used(credentials: Credentials, provider: str, **named: Any) -> tuple[int, str]:
    """Return the version and the text of a credential."""
    with credentials.use(provider, **named) as found:
        return found.version, found.api_key


def settled(deployed: Deployment, credentials: Credentials) -> None:
    """Wait until no check is running."""
    for _, check in list(credentials._cache._checks.values()):
        check.exception()


def test_a_credential_is_read_by_id_and_by_name(deployed: Deployment) -> None:
    """`use` takes the provider's id or its name, in any case and width."""
    made = deployed.add(base_url=f"https://{OTHER_HOST}/v1")
    credentials = deployed.credentials()
    for reference in (made.id, "OpenAI Production", "  openai  PRODUCTION "):
        with credentials.use(reference) as found:
            assert found.api_key == key("one").reveal()
            assert found.secret == key("one")
            assert (found.vendor, found.base_url, found.version) == ("openai", f"https://{OTHER_HOST}/v1", 1)
            assert found.provider_id == made.id


def test_no_call_within_max_age_and_one_to_learn_that_nothing_changed(deployed: Deployment) -> None:
    """A cached credential costs no call; after `max_age`, one GetItem tells that it is still active."""
    deployed.add()
    credentials = deployed.credentials()
    used(credentials, "OpenAI Production")
    assert deployed.reads() == ["GetItem", *COLD]  # the name first
    for _ in range(25):
        deployed.clock.pass_time(0.99)
        used(credentials, "OpenAI Production")
    assert deployed.reads() == []
    deployed.clock.pass_time(40)
    used(credentials, "OpenAI Production")
    assert deployed.reads() == ["GetItem"]


def test_a_busy_process_checks_in_the_background(deployed: Deployment) -> None:
    """While requests keep coming, none waits for a check: it starts before the credential is too old."""
    made = deployed.add()
    credentials = deployed.credentials()
    used(credentials, made.id)
    deployed.reads()
    deployed.clock.pass_time(26)
    blocked = threading.Event()
    deployed.before = lambda _: blocked.wait(10)
    assert used(credentials, made.id) == (1, key("one").reveal())
    blocked.set()
    settled(deployed, credentials)
    assert deployed.reads() == ["GetItem"]
    deployed.clock.pass_time(20)
    used(credentials, made.id)
    assert deployed.reads() == []


def test_a_rotation_is_seen_within_max_age(deployed: Deployment) -> None:
    """A request gets the new version at the latest `max_age` after the rotation; one that runs keeps its own."""
    made = deployed.add()
    credentials = deployed.credentials()
    with credentials.use(made.id) as running:
        deployed.rotate(made, "two")
        deployed.clock.pass_time(30)
        assert used(credentials, made.id) == (2, key("two").reveal())
        assert (running.version, running.api_key) == (1, key("one").reveal())
    assert used(credentials, made.id, version=1) == (1, key("one").reveal())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_process_reads_for_itself(deployed: Deployment) -> None:
    """After a fork, even in the midst of a request, a child uses credentials with its own threads and reads."""
    made = deployed.add()
    credentials = deployed.credentials()
    with credentials.use(made.id):
        child = os.fork()
        if child == 0:
            try:
                deployed.reads()
                signal.alarm(10)  # instead of a hang
                assert len(credentials._cache) == 0
                assert used(credentials, made.id)[0] == 1
                assert deployed.reads() == COLD
                os._exit(0)
            finally:
                os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(credentials._cache) == 1


def test_a_version_is_not_used_after_its_grace_window(deployed: Deployment) -> None:
    """A retired version is used from memory until its grace window ends, and refused from then on."""
    made = deployed.add()
    deployed.rotate(made, "two")
    credentials = deployed.credentials()
    deployed.clock.pass_time(3590)
    assert used(credentials, made.id, version=1)[0] == 1
    deployed.clock.pass_time(9.5)
    assert used(credentials, made.id, version=1)[0] == 1
    deployed.clock.pass_time(0.5)
    with pytest.raises(VersionNotFound) as caught:
        used(credentials, made.id, version=1)
    assert caught.value.code == "version_not_found"


@pytest.mark.parametrize(("grace_s", "calls"), [(0, 10), (5, 10), (10, 2)])
def test_a_credential_is_cached_for_no_longer_than_the_grace_window(grace_s: int, calls: int) -> None:
    """With a grace window shorter than `max_age`, a credential is checked as often as the window requires."""
    with deployment(grace_s) as deployed:
        made = deployed.add()
        credentials = deployed.credentials()
        used(credentials, made.id)
        deployed.reads()
        for _ in range(10):
            deployed.clock.pass_time(1)
            used(credentials, made.id)
            settled(deployed, credentials)
        assert len(deployed.reads()) == calls


def test_a_credential_survives_an_outage_of_aws_until_its_grace_window_could_end(deployed: Deployment) -> None:
    """While AWS fails, a cached credential is used for almost an hour after its last check; then it is refused."""
    made = deployed.add()
    credentials = deployed.credentials()
    used(credentials, made.id)
    deployed.broken = True
    for _ in range(59):
        deployed.clock.pass_time(60)
        assert used(credentials, made.id) == (1, key("one").reveal())
        settled(deployed, credentials)
    deployed.clock.pass_time(54)
    assert used(credentials, made.id) == (1, key("one").reveal())
    deployed.clock.pass_time(1)
    with pytest.raises(Unavailable) as caught:
        used(credentials, made.id)
    assert caught.value.code == "dependency_unavailable"
    deployed.broken = False
    assert used(credentials, made.id) == (1, key("one").reveal())


def test_an_outage_delays_few_requests(deployed: Deployment) -> None:
    """While AWS fails, a process calls it every few seconds in the background instead of with every request."""
    made = deployed.add()
    credentials = deployed.credentials()
    used(credentials, made.id)
    deployed.clock.pass_time(31)
    deployed.broken = True
    used(credentials, made.id)
    deployed.reads()
    for _ in range(100):
        deployed.clock.pass_time(0.1)
        used(credentials, made.id)
        settled(deployed, credentials)
    assert 3 <= len(deployed.reads()) <= 6


def disable(deployed: Deployment, provider_id: str) -> None:
    """Disable a provider."""
    from providers.usecases.commands import Change
    from providers.usecases.update import update_provider

    update_provider(deployed.stack, ORG, provider_id, Change(status=Status.DISABLED))


def delete(deployed: Deployment, provider_id: str) -> None:
    """Delete a provider."""
    delete_provider(deployed.stack, ORG, provider_id)


@pytest.mark.parametrize(
    ("end", "error", "code"),
    [(disable, ProviderDisabled, "provider_disabled"), (delete, ProviderNotFound, "provider_not_found")],
)
@pytest.mark.parametrize("reference", ["id", "name"])
def test_a_provider_that_is_disabled_or_deleted_leaves_memory(
    deployed: Deployment,
    end: Callable[[Deployment, str], None],
    error: type[CredentialError],
    code: str,
    reference: str,
) -> None:
    """Its credential is refused within `max_age`, and gone from memory even if AWS fails afterwards."""
    made = deployed.add()
    wanted = made.id if reference == "id" else made.name
    credentials = deployed.credentials()
    used(credentials, wanted)
    end(deployed, made.id)
    deployed.clock.pass_time(30)
    with pytest.raises(error) as caught:
        used(credentials, wanted)
    assert caught.value.code == code
    assert len(credentials._cache) == 0
    deployed.broken = True
    with pytest.raises(Unavailable):
        used(credentials, wanted)


def test_a_name_that_moves_to_another_provider_is_followed(deployed: Deployment) -> None:
    """After a rename, the name leads to its new owner, and the old owner keeps its id."""
    first = deployed.add("Production")
    credentials = deployed.credentials()
    used(credentials, "Production")
    deployed.change(first, name="Retired")
    second = deployed.add("Production")
    deployed.clock.pass_time(30)
    with credentials.use("Production") as found:
        assert found.provider_id == second.id
    with credentials.use("Retired") as found:
        assert found.provider_id == first.id


def test_a_destroyed_version_is_refused_within_max_age(deployed: Deployment) -> None:
    """A version that was destroyed before its time, after a leak, is not used for longer than `max_age`."""
    made = deployed.add()
    credentials = deployed.credentials()
    used(credentials, made.id, version=1)
    deployed.rotate(made, "two")
    destroy_version(deployed.stack, ORG, made.id, 1)
    deployed.clock.pass_time(30)
    with pytest.raises(VersionNotFound):
        used(credentials, made.id, version=1)


def test_a_host_that_the_operator_no_longer_allows_is_refused(deployed: Deployment) -> None:
    """A credential for a host that is not allowed here is refused before it is opened."""
    made = deployed.add(base_url=f"https://{OTHER_HOST}/v1")
    credentials = deployed.credentials(allowed_base_url_hosts=())
    with pytest.raises(BaseUrlNotAllowed) as caught:
        used(credentials, made.id)
    assert caught.value.code == "base_url_not_allowed"
    assert deployed.reads() == ["GetItem", "GetItem"]


def test_a_credential_whose_destination_was_altered_does_not_open(deployed: Deployment) -> None:
    """A provider item that names another vendor than the one for which the credential was sealed is refused."""
    made = deployed.add()
    place = {"PK": {"S": f"ORG#{ORG}"}, "SK": {"S": f"PROV#{made.id}"}}
    deployed.stack.dynamodb.update_item(
        TableName="MainTable",
        Key=place,
        UpdateExpression="SET vendor = :vendor",
        ExpressionAttributeValues={":vendor": {"S": "groq"}},
    )
    with pytest.raises(CredentialTampered):
        used(deployed.credentials(), made.id)


def test_organizations_are_apart(deployed: Deployment) -> None:
    """A provider of another organization is not found; a process can name an organization with each use."""
    made = deployed.add()
    credentials = deployed.credentials(org="org_b")
    with pytest.raises(ProviderNotFound):
        used(credentials, made.id)
    assert used(credentials, made.id, org=ORG)[0] == 1
    with pytest.raises(ConfigurationError):
        deployed.credentials(org="").use(made.id)


def test_requests_that_arrive_together_make_one_read(deployed: Deployment) -> None:
    """A hundred threads that need the same credential at once cause one read."""
    made = deployed.add()
    credentials = deployed.credentials()
    arrived = threading.Barrier(THREADS * 2)

    def one(_: int) -> tuple[int, str]:
        arrived.wait(10)
        return used(credentials, made.id)

    with ThreadPoolExecutor(THREADS * 2) as pool:
        assert set(pool.map(one, range(THREADS * 2))) == {(1, key("one").reveal())}
    assert deployed.reads() == COLD


def test_tasks_on_an_event_loop_share_a_read_and_survive_a_cancelled_one(deployed: Deployment) -> None:
    """`async with` does not block the loop; a task that is cancelled while it waits does not end the others' read."""
    made = deployed.add()
    credentials = deployed.credentials()
    held = threading.Event()
    deployed.before = lambda _: held.wait(10)

    async def one() -> str:
        async with credentials.use(made.id) as found:
            return found.api_key

    async def all_of_them() -> list[str | BaseException]:
        tasks = [asyncio.create_task(one()) for _ in range(20)]
        await asyncio.sleep(0.05)
        tasks[0].cancel()
        await asyncio.sleep(0)
        held.set()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    first, *others = asyncio.run(all_of_them())
    assert isinstance(first, asyncio.CancelledError)
    assert set(others) == {key("one").reveal()}
    assert deployed.reads() == COLD


def test_old_credentials_leave_memory(deployed: Deployment) -> None:
    """A credential that no one has used for longer than the grace window is forgotten."""
    made = deployed.add()
    credentials = deployed.credentials()
    used(credentials, made.id)
    deployed.clock.pass_time(3594)
    credentials._cache.forget_unusable()
    assert len(credentials._cache) == 1
    deployed.clock.pass_time(1)
    credentials._cache.forget_unusable()
    assert len(credentials._cache) == 0


def test_max_age_tells_how_long_a_copy_may_be_kept(deployed: Deployment) -> None:
    """`max_age` is what is left of the time until the next check."""
    made = deployed.add()
    credentials = deployed.credentials()
    with credentials.use(made.id) as found:
        assert found.max_age == pytest.approx(30)
    deployed.clock.pass_time(12)
    with credentials.use(made.id) as found:
        assert found.max_age == pytest.approx(18)


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """`from_environment` names the variables that are missing, and the stack's outputs that they come from."""
    for name in ("MAIN_TABLE", "SECRETS_TABLE", "KMS_KEY_ID", "GRACE_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match=r"MAIN_TABLE \(the stack's output MainTableName\).*GraceSeconds"):
        Credentials.from_environment()
    for name, value in {"MAIN_TABLE": "m", "SECRETS_TABLE": "s", "KMS_KEY_ID": "k", "GRACE_SECONDS": "x"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match="GRACE_SECONDS and PROVIDERS_MAX_AGE_SECONDS must be numbers"):
        Credentials.from_environment()
    monkeypatch.setenv("GRACE_SECONDS", "3600")
    assert repr(Credentials.from_environment(org=ORG)) == "Credentials(org_a, 0 cached)"
