"""Upload links: each works once, for ten minutes, for its own provider, while its management key is valid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from providers.model.audit import Actor
from providers.model.errors import Conflict, NotFound, ProvidersError, RateLimited, Unprocessable, VerificationFailed
from providers.model.management_key import ManagementKey
from providers.model.policy import Policy
from providers.model.provider import Provider
from providers.model.upload import TRIES
from providers.model.verdict import Verdict
from providers.ports import StaleWrite, UploadUsed
from providers.usecases.authenticity import with_mac
from providers.usecases.commands import Change
from providers.usecases.delete import delete_provider
from providers.usecases.management_keys import revoke_management_key
from providers.usecases.update import update_provider
from providers.usecases.uploads import ToAdd, ToRotate, create_upload, open_upload, upload_token, use_upload
from providers_contract.vocabulary import Action, Reason, Scope, Status
from tests.kit.fakes import FakePorts
from tests.kit.requests import ORG, active_key, added, key

KEY_ID = "01maker"
NEW = ToAdd("openai", "From a link")
AZURE = "https://fake.openai.azure.com"


@pytest.fixture
def ports() -> FakePorts:
    """Fakes, with a management key that may write."""
    fakes = FakePorts()
    scopes = frozenset({Scope.PROVIDERS_WRITE})
    fakes.management_keys.put(with_mac(fakes, ManagementKey(KEY_ID, "digest", ORG, "maker", scopes, fakes.clock.now())))
    return fakes


def link(ports: FakePorts, wanted: ToAdd | ToRotate = NEW) -> str:
    """Return the token of a new link."""
    return upload_token(ports, create_upload(ports, ORG, KEY_ID, wanted).id)


def is_dead(ports: FakePorts, token: str) -> bool:
    """Return whether page and form fail in the same way without calling a vendor."""
    calls, providers = len(ports.verify.asked), dict(ports.db.providers)
    errors = set()
    for attempt in (lambda: open_upload(ports, token), lambda: use_upload(ports, token, key("late"))):
        try:
            attempt()
        except NotFound as error:
            errors.add((error.code, error.message, error.resource, error.id))
        else:
            return False
    code, _, resource, found = errors.pop()
    return (code, resource, found, errors, len(ports.verify.asked), ports.db.providers) == (
        "upload_not_found",
        "upload",
        None,
        set(),
        calls,
        providers,
    )


# the effects of a link


def test_a_link_adds_its_provider(ports: FakePorts) -> None:
    """A link adds a provider with its own vendor and name and the entered credential."""
    provider, _ = use_upload(ports, link(ports), key("entered"))
    assert (provider.org, provider.vendor, provider.name, provider.status) == (
        ORG,
        "openai",
        "From a link",
        Status.ACTIVE,
    )
    assert active_key(ports, provider) == key("entered").reveal()


def test_a_link_rotates_its_provider(ports: FakePorts) -> None:
    """A link for a provider adds the next version to it."""
    provider = added(ports)
    rotated, _ = use_upload(ports, link(ports, ToRotate(provider.id)), key("entered"))
    assert (rotated.id, rotated.active.number, active_key(ports, rotated)) == (provider.id, 2, key("entered").reveal())


def test_a_link_shows_its_purpose(ports: FakePorts) -> None:
    """A link shows the provider's current name."""
    provider = added(ports)
    token = link(ports, ToRotate(provider.id))
    update_provider(ports, ORG, provider.id, Change(name="Renamed"))
    opened = open_upload(ports, token)
    assert (opened.org, opened.vendor, opened.name, opened.provider_id) == (ORG, "openai", "Renamed", provider.id)
    assert opened.expires_at - ports.clock.now() == timedelta(minutes=10)


def test_opening_a_link_does_not_use_it(ports: FakePorts) -> None:
    """Previews and prefetches do not use up a link."""
    token = link(ports)
    before = dict(ports.db.uploads)
    for _ in range(TRIES + 1):
        open_upload(ports, token)
    assert ports.db.uploads == before
    use_upload(ports, token, key())


def test_the_trail_names_the_links_creator_and_its_use(ports: FakePorts) -> None:
    """The audit trail shows the management key that created the link, and the link's use."""
    token = link(ports)
    provider, _ = use_upload(ports, token, key(), "request-7")
    made, used = ports.db.trail
    assert (made.action, made.resource_id, made.resource_type) == (
        Action.UPLOAD_CREATED,
        "upl_" + token.partition("_")[0],
        "upload",
    )
    assert (used.action, used.actor, used.resource_id, used.request_id) == (
        Action.CREATED,
        Actor("upload", KEY_ID),
        provider.id,
        "request-7",
    )


def test_no_stored_data_opens_a_link(ports: FakePorts) -> None:
    """Stored data does not contain the secret part of a link's token."""
    secret = link(ports).partition("_")[2]
    assert len(secret) == 64
    assert secret not in repr(vars(ports.db))


# when a link does not work


def use(ports: FakePorts, token: str) -> None:
    use_upload(ports, token, key())


def pass_ten_minutes(ports: FakePorts, _: str) -> None:
    ports.clock.pass_time(minutes=10)


def revoke(ports: FakePorts, _: str) -> None:
    revoke_management_key(ports, KEY_ID)


def with_key(**members: object) -> Callable[[FakePorts, str], None]:
    """Replace the link's management key."""

    def change(ports: FakePorts, _: str) -> None:
        found = ports.management_keys.keys[KEY_ID]
        ports.management_keys.keys[KEY_ID] = with_mac(ports, replace(found, **members))  # type: ignore[arg-type]

    return change


ALTERED: dict[str, dict[str, object]] = {
    "another organization": {"org": "org_b"},
    "another key": {"key_id": "01other"},
    "another vendor": {"vendor": "groq"},
    "another host": {"base_url": "https://evil.example.com"},
    "another provider": {"provider_id": "prov_" + "0" * 26},
    "a later end": {"expires_at": FakePorts().clock.now() + timedelta(days=1)},
    "no mac": {"mac": ""},
}


@pytest.mark.parametrize("members", ALTERED.values(), ids=ALTERED)
def test_a_link_with_a_tampered_item_is_dead(ports: FakePorts, members: dict[str, object]) -> None:
    """Tampering with a link's item neither redirects a credential nor extends the link."""
    token = link(ports)
    upload_id = f"upl_{token.partition('_')[0]}"
    ports.db.uploads[upload_id] = replace(ports.db.uploads[upload_id], **members)  # type: ignore[arg-type]
    assert is_dead(ports, token)


def expire(ports: FakePorts, token: str) -> None:
    with_key(expires_at=ports.clock.now() + timedelta(minutes=1))(ports, token)
    ports.clock.pass_time(minutes=1)


def lose_the_key(ports: FakePorts, _: str) -> None:
    del ports.management_keys.keys[KEY_ID]


def exhaust(ports: FakePorts, token: str) -> None:
    ports.verify.verdict = Verdict(Reason.CREDENTIAL_REJECTED)
    for _ in range(TRIES):
        with pytest.raises(Unprocessable):
            use_upload(ports, token, key("bad"))
    ports.verify.verdict = Verdict()


DEATHS = {
    "used": use,
    "late": pass_ten_minutes,
    "revoked": revoke,
    "key expired": expire,
    "scope lost": with_key(scopes=frozenset({Scope.PROVIDERS_READ, Scope.ROUTING_WRITE})),
    "another organization's key": with_key(org="org_b"),
    "key gone": lose_the_key,
    "exhausted": exhaust,
}


@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS.keys())
def test_an_ended_link_is_not_found(ports: FakePorts, death: Callable[[FakePorts, str], None]) -> None:
    """All ended links return the same error."""
    token = link(ports)
    death(ports, token)
    assert is_dead(ports, token)


def test_a_link_works_to_its_last_second(ports: FakePorts) -> None:
    """A link works until the last second of its ten minutes."""
    token = link(ports)
    ports.clock.pass_time(minutes=9, seconds=59)
    use_upload(ports, token, key())


GUESSES = {
    "empty": lambda token: "",
    "no secret": lambda token: token.partition("_")[0],
    "an empty secret": lambda token: token.partition("_")[0] + "_",
    "another secret": lambda token: token.partition("_")[0] + "_" + "0" * 64,
    "one digit changed": lambda token: token[:-1] + ("0" if token[-1] != "0" else "1"),
    "a shorter secret": lambda token: token[:-1],
    "a longer secret": lambda token: token + "0",
    "upper case": lambda token: token[:27] + token[27:].upper(),
    "with the id's prefix": lambda token: "upl_" + token,
    "a line more": lambda token: token + "\n",
    "not ASCII": lambda token: token[:-1] + "é",
}


@pytest.mark.parametrize("guess", GUESSES.values(), ids=GUESSES.keys())
def test_a_guess_is_not_found(ports: FakePorts, guess: Callable[[str], str]) -> None:
    """A guessed link and a used link return the same error."""
    assert is_dead(ports, guess(link(ports)))


def test_one_links_secret_does_not_open_another(ports: FakePorts) -> None:
    """A link's secret is bound to its id."""
    first, second = link(ports), link(ports, ToAdd("groq", "Second"))
    assert is_dead(ports, f"{first.partition('_')[0]}_{second.partition('_')[2]}")


def test_a_guess_reads_no_store(ports: FakePorts) -> None:
    """Guessing links causes no database reads."""
    token = link(ports)
    ports.uploads.get = None  # type: ignore[assignment,method-assign]
    assert is_dead(ports, token[:-1] + ("0" if token[-1] != "0" else "1"))


def test_a_deleted_providers_link_is_dead(ports: FakePorts) -> None:
    """Deleting a provider ends its links."""
    provider = added(ports)
    token = link(ports, ToRotate(provider.id))
    delete_provider(ports, ORG, provider.id)
    assert is_dead(ports, token)


def test_a_provider_deleted_during_the_verification_is_not_found(ports: FakePorts) -> None:
    """If the provider is deleted during verification, the link is not found and nothing is stored."""
    provider = added(ports)
    token = link(ports, ToRotate(provider.id))
    ports.verify.meanwhile = lambda: delete_provider(ports, ORG, provider.id)
    with pytest.raises(NotFound) as caught:
        use_upload(ports, token, key("entered"))
    assert (caught.value.code, ports.db.rows) == ("upload_not_found", {})


def moved(ports: FakePorts, provider: Provider) -> None:
    """Give the provider a credential for another host."""
    update_provider(ports, ORG, provider.id, Change(api_key=key("moved"), base_url=AZURE + "/v2"))


def test_a_credential_is_sent_only_to_the_links_host(ports: FakePorts) -> None:
    """Moving the provider to another host ends its links."""
    provider = added(ports, vendor="azure", base_url=AZURE)
    token = link(ports, ToRotate(provider.id))
    assert open_upload(ports, token).base_url == AZURE
    moved(ports, provider)
    assert is_dead(ports, token)


def test_a_concurrent_change_of_host_does_not_redirect_a_credential(ports: FakePorts) -> None:
    """If the provider moves during the request, the credential is sent only to the host that the page showed."""
    provider = added(ports, vendor="azure", base_url=AZURE)
    token = link(ports, ToRotate(provider.id))
    tried = ports.uploads.count_attempt

    def move_first(upload_id: str) -> int:
        moved(ports, provider)
        return tried(upload_id)

    ports.uploads.count_attempt = move_first  # type: ignore[method-assign]
    use_upload(ports, token, key("entered"))
    assert ports.verify.asked[-1] == ("azure", AZURE)


# what leaves a link usable

REFUSALS = [
    (Reason.CREDENTIAL_REJECTED, Unprocessable, "credential_rejected"),
    (Reason.TIMEOUT, VerificationFailed, "verification_timeout"),
    (Reason.HTTP_5XX, VerificationFailed, "verification_unavailable"),
]


@pytest.mark.parametrize(("reason", "kind", "code"), REFUSALS)
def test_a_key_that_is_refused_leaves_the_link(
    ports: FakePorts, reason: Reason, kind: type[ProvidersError], code: str
) -> None:
    """After a refused key or a vendor outage, the link can be used again."""
    token = link(ports)
    ports.verify.verdict = Verdict(reason)
    with pytest.raises(kind) as caught:
        use_upload(ports, token, key("bad"))
    assert (caught.value.code, ports.db.providers) == (code, {})
    assert open_upload(ports, token).tries == 1
    ports.verify.verdict = Verdict()
    use_upload(ports, token, key("good"))


def test_the_last_try_can_succeed(ports: FakePorts) -> None:
    """The fifth attempt can succeed."""
    token = link(ports)
    ports.verify.verdict = Verdict(Reason.CREDENTIAL_REJECTED)
    for _ in range(TRIES - 1):
        with pytest.raises(Unprocessable):
            use_upload(ports, token, key("bad"))
    ports.verify.verdict = Verdict()
    use_upload(ports, token, key("good"))


def test_concurrent_uses_get_no_more_tries(ports: FakePorts) -> None:
    """Concurrent attempts are counted before the vendor is called, so the limit holds."""
    token = link(ports)
    (unused,) = ports.db.uploads.values()
    ports.uploads.get = lambda upload_id: unused  # type: ignore[method-assign]
    ports.verify.verdict = Verdict(Reason.CREDENTIAL_REJECTED)
    codes = []
    for number in range(TRIES + 3):
        with pytest.raises(ProvidersError) as caught:
            use_upload(ports, token, key(str(number)))
        codes.append(caught.value.code)
    assert codes == ["credential_rejected"] * TRIES + ["upload_not_found"] * 3
    assert len(ports.verify.asked) == TRIES


def test_the_limit_of_verifications_holds_for_links(ports: FakePorts) -> None:
    """Links share the verification limit, so they allow no additional key tests."""
    ports.policy = Policy(verifications_per_org=1)
    ports.verify.verdict = Verdict(Reason.CREDENTIAL_REJECTED)
    with pytest.raises(Unprocessable):
        use_upload(ports, link(ports), key())
    with pytest.raises(RateLimited):
        use_upload(ports, link(ports), key())


# races


@pytest.mark.parametrize("rotates", [True, False], ids=["rotate", "add"])
def test_one_of_two_concurrent_uses_wins(ports: FakePorts, rotates: bool) -> None:
    """Of two concurrent uses, one succeeds, and the other's credential is not stored."""
    provider = added(ports, "base") if rotates else None
    token = link(ports, ToRotate(provider.id) if provider else NEW)

    def another() -> None:
        ports.verify.meanwhile = None
        use_upload(ports, token, key("first"))

    ports.verify.meanwhile = another
    with pytest.raises(NotFound) as caught:
        use_upload(ports, token, key("second"))
    assert caught.value.code == "upload_not_found"
    stored = {row.ciphertext.decode() for row in ports.db.rows.values()}
    assert stored == {key("first").reveal()} | ({key("base").reveal()} if rotates else set())
    assert [entry.actor.type for entry in ports.db.trail].count("upload") == 1


def test_a_link_used_up_before_the_count_is_not_found(ports: FakePorts) -> None:
    """A link that is used up between read and count returns the same error as a used link."""
    token = link(ports)

    def gone(upload_id: str) -> int:
        raise UploadUsed

    ports.uploads.count_attempt = gone  # type: ignore[method-assign]
    with pytest.raises(NotFound) as caught:
        use_upload(ports, token, key())
    assert (caught.value.code, ports.verify.asked) == ("upload_not_found", [])


def test_a_name_taken_by_another_use_of_the_link_is_not_found(ports: FakePorts) -> None:
    """If another use of the link took the name, the error says that the link was used."""
    token = link(ports)
    named = ports.providers.named

    def use_first(org: str, name: str) -> str | None:
        ports.providers.named = named  # type: ignore[method-assign]
        use_upload(ports, token, key("first"))
        return named(org, name)

    ports.providers.named = use_first  # type: ignore[method-assign]
    with pytest.raises(NotFound) as caught:
        use_upload(ports, token, key("second"))
    assert (caught.value.code, len(ports.db.providers)) == ("upload_not_found", 1)


def test_a_rotation_by_another_use_of_the_link_is_not_found(ports: FakePorts) -> None:
    """If another use of the link rotated the provider, the error says that the link was used."""
    token = link(ports, ToRotate(added(ports).id))
    change = ports.providers.change

    def use_first(*_: object) -> None:
        ports.providers.change = change  # type: ignore[method-assign]
        use_upload(ports, token, key("first"))
        raise StaleWrite

    ports.providers.change = use_first  # type: ignore[assignment,method-assign]
    with pytest.raises(NotFound) as caught:
        use_upload(ports, token, key("second"))
    assert (caught.value.code, len(ports.db.rows)) == ("upload_not_found", 2)


def test_a_name_taken_meanwhile_is_a_conflict(ports: FakePorts) -> None:
    """A taken name returns 409 without verification or a counted attempt; the link works once it is free."""
    token = link(ports)
    other = added(ports, name="FROM A LINK")
    calls = len(ports.verify.asked)
    with pytest.raises(Conflict) as caught:
        use_upload(ports, token, key())
    assert (caught.value.code, len(ports.verify.asked), open_upload(ports, token).tries) == ("name_taken", calls, 0)
    delete_provider(ports, ORG, other.id)
    use_upload(ports, token, key())


def test_a_name_taken_during_the_verification_is_a_conflict(ports: FakePorts) -> None:
    """A name taken during verification returns 409, and the link can still be used."""
    token = link(ports)

    def take() -> None:
        ports.verify.meanwhile = None
        added(ports, name="From a link")

    ports.verify.meanwhile = take
    with pytest.raises(Conflict) as caught:
        use_upload(ports, token, key())
    assert (caught.value.code, len(ports.db.providers)) == ("name_taken", 1)
    assert open_upload(ports, token).tries == 1


# making one

REFUSED = [
    (ToAdd("azure", "New"), "base_url_required"),
    (ToAdd("openai", "New", "http://example.com"), "base_url_not_allowed"),
    (ToAdd("azure", "New", "https://example.com"), "base_url_not_allowed"),
    (ToAdd("openai", "TAKEN"), "name_taken"),
    (ToRotate("prov_" + "0" * 26), "provider_not_found"),
]


@pytest.mark.parametrize(("wanted", "code"), REFUSED)
def test_an_impossible_change_creates_no_link(ports: FakePorts, wanted: ToAdd | ToRotate, code: str) -> None:
    """A link is refused under the same rules as adding and rotating."""
    added(ports, name="Taken")
    with pytest.raises(ProvidersError) as caught:
        create_upload(ports, ORG, KEY_ID, wanted)
    assert (caught.value.code, ports.db.uploads) == (code, {})


def test_another_organizations_provider_is_not_found(ports: FakePorts) -> None:
    """Another organization's provider is not found."""
    theirs = added(ports)
    with pytest.raises(NotFound) as caught:
        create_upload(ports, "org_b", KEY_ID, ToRotate(theirs.id))
    assert (caught.value.code, ports.db.uploads) == ("provider_not_found", {})
