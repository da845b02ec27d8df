"""A reference model of the API in a few dictionaries; the model-based proof compares the real API with it.

It shares no code with the product, and implements only the contract (api.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

GRACE: Final = timedelta(hours=1)
PENDING: Final = timedelta(hours=24)
LIVE: Final = 5
PROVIDERS: Final = 4
CONFIGS: Final = 2
CONFIGS_PER_PROVIDER: Final = 2
LEASE: Final = timedelta(seconds=30)
REMEMBERED: Final = timedelta(hours=24)
PREFIXES: Final = {"openai": "sk-", "groq": "gsk_"}

Data = dict[str, Any]


@dataclass(frozen=True)
class Weather:
    """Conditions for one request: the vendor's verdict, or the death of the process.

    `verdict`: valid, limited, rejected, down (no response can be had) or slow (timed out). `dies`: "before" kills the
    process while the vendor is asked, "after" just behind the commit.
    """

    verdict: str = "valid"
    account: str | None = None
    dies: str | None = None


OUTCOMES: Final = {
    "valid": ("valid", None),
    "limited": ("limited", "rate_limited"),
    "rejected": ("invalid", "credential_rejected"),
    "down": ("indeterminate", "http_5xx"),
    "slow": ("indeterminate", "timeout"),
}
REFUSALS: Final = {
    "rejected": (422, "credential_rejected"),
    "down": (502, "verification_unavailable"),
    "slow": (504, "verification_timeout"),
}


@dataclass(frozen=True)
class Sent:
    """A request that changes data."""

    function: str
    org: str
    path: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    if_match: str | None = None

    @property
    def content(self) -> tuple[Any, ...]:
        """Return the content that its Idempotency-Key identifies."""
        return (self.function, self.path, self.body or {}, self.query)


@dataclass(frozen=True)
class Expected:
    """The expected response; `warnings` without their sentences. `reported`: an event is committed with the change."""

    status: int
    data: Data | None = None
    code: str | None = None
    warnings: tuple[Data, ...] = ()
    references: tuple[str, ...] | None = None
    etag: str | None = None
    reported: bool = False
    replayed: bool = False


class Refused(Exception):
    """Raised for a refused request, which changes nothing."""

    def __init__(self, status: int, code: str, references: tuple[str, ...] | None = None) -> None:
        super().__init__(code)
        self.expected = Expected(status, code=code, references=references)


class Died(Exception):
    """The process ends in the middle of the request: there is no response."""


@dataclass
class Version:
    """A credential, its host, and the time until which it can be read."""

    number: int
    secret: str
    base_url: str | None
    created: datetime
    account: str | None
    key_expires: str | None
    retires: datetime | None = None
    used: datetime | None = None

    def live(self, now: datetime) -> bool:
        return self.retires is None or now < self.retires


@dataclass
class Provider:
    """A provider with all its versions, past ones included, by number."""

    org: str
    id: str
    vendor: str
    name: str
    status: str
    created: datetime
    updated: datetime
    verdict: str
    checked: datetime
    versions: dict[int, Version]
    revision: int = 1
    tags: list[str] = field(default_factory=list)
    swept: tuple[datetime, int, str] | None = None
    """The minute of the latest probe, the version that was probed, and the verdict."""

    @property
    def active(self) -> Version:
        return self.versions[max(self.versions)]

    @property
    def hint(self) -> str:
        return f"{PREFIXES[self.vendor]}…{self.active.secret[-4:]}"

    def live(self, now: datetime) -> list[Version]:
        return [version for version in self.versions.values() if version.live(now)]

    def facts(self) -> Data:
        return {
            "vendor": self.vendor,
            "name": self.name,
            "tags": self.tags,
            "base_url": self.active.base_url,
            "status": self.status,
            "key_version": self.active.number,
            "key_hint": self.hint,
            "key_expires_at": self.active.key_expires,
        }

    def view(self, now: datetime | None = None) -> Data:
        """Return the provider; with its latest probe, if that is visible at `now`."""
        outcome, reason = OUTCOMES[self.verdict]
        check, version, verdict = self.swept or (None, None, "valid")
        seen = now is not None and check is not None and hour(now) - hour(check) <= timedelta(hours=1)
        current = version == self.active.number
        last = text(check) if check is not None and seen and current else None
        why = OUTCOMES[verdict][1] if current else None
        return self.facts() | {
            "id": self.id,
            "health": {"state": "unknown", "reason": why, "p50_latency_ms": None, "last_check_at": last},
            "created_at": text(self.created),
            "updated_at": text(self.updated),
            "key_rotated_at": text(self.active.created),
            "verification": {"outcome": outcome, "reason": reason, "checked_at": text(self.checked)},
        }


@dataclass
class Remembered:
    """What an Idempotency-Key stands for. `body` is the first response as it was sent, once it has been seen."""

    content: tuple[Any, ...]
    until: datetime
    expires: datetime
    response: Expected | None = None
    body: str | None = None


def hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)


def text(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def parsed(time: str) -> datetime:
    return datetime.fromisoformat(time)


class Model:
    """The expected state of the API."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.providers: dict[str, Provider] = {}
        self.routes: dict[tuple[str, str], Data] = {}
        self.remembered: dict[tuple[str, str], Remembered] = {}
        self.audit: list[tuple[str, Data]] = []
        self.verified: tuple[str, str, str | None] | None = None
        """What the vendor was asked by the last request: vendor, credential, host."""

    def send(self, sent: Sent, key: str | None, weather: Weather, new_id: str | None) -> Expected:
        """Apply `sent`, and return the response. `new_id` is the id of an added provider. Raises Died."""
        self.verified = None
        if key is None:
            return self._respond(sent, weather, new_id)
        place = (sent.org, key)
        known = self.remembered.get(place)
        if known is not None and self.now < known.expires:
            if known.content != sent.content:
                return Expected(422, code="idempotency_mismatch")
            if known.response is not None:
                return replace(known.response, replayed=True, reported=False)
            if self.now < known.until:
                return Expected(409, code="idempotency_in_progress")
        self.remembered[place] = Remembered(sent.content, self.now + LEASE, self.now + REMEMBERED)
        expected = self._respond(sent, weather, new_id)
        if expected.code is None:
            self.remembered[place].response = expected
        else:
            del self.remembered[place]
        return expected

    def listed(self, org: str, **wanted: str | None) -> list[Data]:
        """Return the providers of `org` with these members, this tag and this part of the name, newest first."""
        part, tag = (wanted.pop("part", None) or "").casefold(), wanted.pop("tag", None)
        views = [each.view(self.now) for each in reversed(self.providers.values()) if each.org == org]
        found = [view for view in views if part in view["name"].casefold() and (tag is None or tag in view["tags"])]
        return [view for view in found if all(value in (None, view[name]) for name, value in wanted.items())]

    def routed(self, org: str) -> list[Data]:
        """Return the routing configs of `org`, sorted by slug."""
        return [self.routes[place] for place in sorted(self.routes) if place[0] == org]

    def trail(self, org: str) -> list[Data]:
        """Return the audit trail of `org`, newest first."""
        return [entry for owner, entry in reversed(self.audit) if owner == org]

    def versions(self, provider: Provider) -> list[Data]:
        """Return the live versions, newest first."""
        return [
            {
                "number": version.number,
                "hint": f"{PREFIXES[provider.vendor]}…{version.secret[-4:]}",
                "created_at": text(version.created),
                "active": version is provider.active,
                "retires_at": version.retires and text(version.retires),
                "last_used_at": version.used and text(version.used),
                "safe_to_revoke": self._free(provider, version),
            }
            for version in reversed(provider.live(self.now))
        ]

    def sweep(self, provider: Provider, verdict: str) -> None:
        """Probe a pending provider, which its vendor does not accept."""
        minute = self.now.replace(second=0, microsecond=0)
        provider.verdict, provider.checked = verdict, minute
        provider.swept = (minute, provider.active.number, verdict)
        if minute < provider.updated + PENDING:
            return
        before = provider.facts()
        provider.status, provider.updated = "disabled", self.now
        provider.revision += 1
        self._note(
            provider.org, "provider.pending_expired", "provider", provider.id, before, provider.facts(), system=True
        )

    def use(self, version: Version) -> None:
        """Record that a reader used `version`, to the minute."""
        if version.used is None or self.now - version.used >= timedelta(minutes=1):
            version.used = self.now

    def _free(self, provider: Provider, version: Version) -> bool:
        """Return whether its credential is unused: by this version, by other versions, and by other providers."""
        twins = [each for each in provider.live(self.now) if each.secret == version.secret]
        if not all(self._idle(each) for each in twins):
            return False
        return not self._holders(provider.org, provider.vendor, version.secret, but=provider.id)

    def _idle(self, version: Version) -> bool:
        if version.retires is None:
            return False
        replaced = version.retires - GRACE
        used = replaced if version.used is None else version.used  # no use is known: one may just not be recorded
        last = max(replaced, used + timedelta(minutes=1))
        return self.now >= last + timedelta(minutes=10)

    def _holders(self, org: str, vendor: str, secret: str, but: str | None) -> list[str]:
        """Return the other providers that use this credential now."""
        return sorted(
            each.id
            for each in self.providers.values()
            if (each.org, each.vendor, each.active.secret) == (org, vendor, secret) and each.id != but
        )

    def _respond(self, sent: Sent, weather: Weather, new_id: str | None) -> Expected:
        try:
            match sent.function:
                case "add_provider":
                    return self._add(sent, weather, new_id)
                case "update_provider":
                    return self._update(sent, weather)
                case "rollback_provider":
                    return self._roll_back(sent, weather)
                case "destroy_version":
                    return self._destroy(sent)
                case "delete_provider":
                    return self._delete(sent)
                case "put_routing_config":
                    return self._put_route(sent)
            return self._delete_route(sent)
        except Refused as refused:
            return refused.expected

    def _add(self, sent: Sent, weather: Weather, new_id: str | None) -> Expected:
        body = sent.body
        self._not_expired(body)
        verdict = self._verify(body["vendor"], body["api_key"], body["base_url"], weather, "on_unavailable" in body)
        self._unique(sent.org, body["name"])
        self._limit(sum(each.org == sent.org for each in self.providers.values()), PROVIDERS)
        assert new_id is not None
        assert new_id not in self.providers
        warnings = self._duplicates(sent.org, body["vendor"], body["api_key"], but=None)
        account = weather.account if verdict in ("valid", "limited") else None
        first = Version(1, body["api_key"], body["base_url"], self.now, account, body.get("key_expires_at"))
        status = "active" if verdict in ("valid", "limited") else "pending"
        added = Provider(
            sent.org, new_id, body["vendor"], body["name"], status, self.now, self.now, verdict, self.now, {1: first}
        )
        added.tags = body.get("tags", [])
        self.providers[new_id] = added
        self._note(sent.org, "provider.created", "provider", new_id, None, added.facts())
        status_code = 201 if status == "active" else 202
        return Expected(status_code, added.view(), warnings=warnings, etag='"1"', reported=True)

    def _update(self, sent: Sent, weather: Weather) -> Expected:
        found, body = self._matching(sent), sent.body
        secret = body.get("api_key")
        if secret is None:
            if "base_url" in body and body["base_url"] != found.active.base_url:
                raise Refused(422, "base_url_not_allowed")
            self._not_expired(body)
            self._unique(sent.org, body.get("name", found.name), but=found.id)
            return self._change(found, body, "provider.updated")
        self._not_expired(body)
        base_url = body.get("base_url", found.active.base_url)
        new = Version(0, secret, base_url, self.now, weather.account, body.get("key_expires_at"))
        return self._change(found, body, "provider.rotated", new, weather)

    def _roll_back(self, sent: Sent, weather: Weather) -> Expected:
        found = self._matching(sent)
        number = sent.body.get("version")
        earlier = found.live(self.now)[:-1]
        if number == found.active.number:
            raise Refused(422, "validation_failed")
        if number is None and not earlier:
            raise Refused(409, "version_conflict")
        wanted = [each for each in earlier if number in (None, each.number)]
        if not wanted:
            raise Refused(404, "version_not_found")
        back = wanted[-1]
        new = Version(0, back.secret, back.base_url, self.now, weather.account or back.account, back.key_expires)
        return self._change(found, {}, "provider.rolled_back", new, weather)

    def _change(
        self, found: Provider, body: Data, action: str, new: Version | None = None, weather: Weather | None = None
    ) -> Expected:
        """Make a change; `new` is the version to come, whose number is given here."""
        warnings: list[Data] = []
        verdict = found.verdict
        if new is not None:
            assert weather is not None
            verdict = self._verify(found.vendor, new.secret, new.base_url, weather)
            self._unique(found.org, body.get("name", found.name), but=found.id)
            warnings += self._duplicates(found.org, found.vendor, new.secret, but=found.id)
        same = new is not None and (new.secret, new.base_url) == (found.active.secret, found.active.base_url)
        if same:
            warnings.append({"code": "credential_unchanged"})
            new = None
        early = [] if new is None else found.live(self.now)[: -(LIVE - 1)]
        if new is not None:
            warnings += [{"code": "version_retired_early", "version": each.number} for each in early]
            old = found.active.account
            if old is not None and new.account not in (None, old):
                warnings.append({"code": "account_changed", "from": old, "to": new.account})
            if action == "provider.rotated" and new.base_url is None and found.active.base_url is not None:
                warnings.append({"code": "base_url_reset"})
        else:
            action = "provider.updated"
        before, name, status = found.facts(), body.get("name", found.name), body.get("status", found.status)
        if status != "disabled":
            status = "active" if verdict in ("valid", "limited") else "pending"
        expires = body.get("key_expires_at", found.active.key_expires if new is None else new.key_expires)
        verified = same and OUTCOMES[verdict] != OUTCOMES[found.verdict]
        tags = body.get("tags", found.tags)
        seen = (found.name, found.status, found.active.key_expires, found.tags)
        if new is None and not verified and (name, status, expires, tags) == seen:
            return Expected(200, found.view(), warnings=tuple(warnings), etag=f'"{found.revision}"')
        found.name, found.status, found.tags, found.updated = name, status, tags, self.now
        found.revision += 1
        if new is not None:
            found.active.retires = self.now + GRACE
            new.number = found.active.number + 1
            found.versions[new.number] = new
            for version in early:
                version.retires = self.now
        if new is not None or verified:
            found.verdict, found.checked = verdict, self.now
        found.active.key_expires = expires
        self._note(found.org, action, "provider", found.id, before, found.facts())
        return Expected(
            200,
            found.view(),
            warnings=tuple(warnings),
            etag=f'"{found.revision}"',
            reported=new is not None,
        )

    def _destroy(self, sent: Sent) -> Expected:
        found, number = self._matching(sent), int(sent.path["number"])
        if number == found.active.number:
            raise Refused(409, "version_active")
        version = found.versions.get(number)
        if version is None or not version.live(self.now):
            raise Refused(404, "version_not_found")
        version.retires = self.now
        found.updated = self.now
        found.revision += 1
        facts = {"key_version": number, "key_hint": f"{PREFIXES[found.vendor]}…{version.secret[-4:]}"}
        self._note(found.org, "provider.version_destroyed", "provider", found.id, facts, None)
        return Expected(200, {"provider_id": found.id, "number": number, "deleted": True})

    def _delete(self, sent: Sent) -> Expected:
        found = self._matching(sent)
        users = [
            config["slug"]
            for config in self.routed(sent.org)
            if any(attempt["provider_id"] == found.id for attempt in config["attempts"])
        ]
        if users:
            raise Refused(409, "provider_in_use", tuple(users))
        if sent.query.get("dry_run") == "true":
            return Expected(200, {"id": found.id, "deleted": False, "dry_run": True})
        del self.providers[found.id]
        self._note(sent.org, "provider.deleted", "provider", found.id, found.facts(), None)
        return Expected(200, {"id": found.id, "deleted": True}, reported=True)

    def _put_route(self, sent: Sent) -> Expected:
        place = (sent.org, sent.path["slug"])
        old = self.routes.get(place)
        if old is not None and all(old[name] == sent.body[name] for name in sent.body):
            return Expected(200, dict(old))
        for attempt in sent.body["attempts"]:
            named = self.providers.get(attempt["provider_id"])
            if named is None or named.org != sent.org:
                raise Refused(422, "validation_failed")
        before = set() if old is None else {each["provider_id"] for each in old["attempts"]}
        for provider_id in {each["provider_id"] for each in sent.body["attempts"]} - before:
            naming = [config for config in self.routed(sent.org) if provider_id in str(config["attempts"])]
            self._limit(len(naming), CONFIGS_PER_PROVIDER)
        if old is None:
            self._limit(len(self.routed(sent.org)), CONFIGS)
        created = text(self.now) if old is None else old["created_at"]
        new = {"slug": place[1], **sent.body, "created_at": created, "updated_at": text(self.now)}
        self.routes[place] = new
        action = "routing_config.created" if old is None else "routing_config.updated"
        self._note(sent.org, action, "routing_config", place[1], route_facts(old), route_facts(new))
        return Expected(201 if old is None else 200, dict(new))

    def _delete_route(self, sent: Sent) -> Expected:
        place = (sent.org, sent.path["slug"])
        if place not in self.routes:
            raise Refused(404, "routing_config_not_found")
        old = self.routes.pop(place)
        self._note(sent.org, "routing_config.deleted", "routing_config", place[1], route_facts(old), None)
        return Expected(200, {"slug": place[1], "deleted": True})

    def _matching(self, sent: Sent) -> Provider:
        found = self.providers.get(sent.path["provider_id"])
        if found is None or found.org != sent.org:
            raise Refused(404, "provider_not_found")
        if sent.if_match not in (None, "*", f'"{found.revision}"'):
            raise Refused(412, "etag_mismatch")
        return found

    def _not_expired(self, body: Data) -> None:
        if body.get("key_expires_at") is not None and parsed(body["key_expires_at"]) <= self.now:
            raise Refused(422, "validation_failed")

    def _unique(self, org: str, name: str, but: str | None = None) -> None:
        others = [each for each in self.providers.values() if each.org == org and each.id != but]
        if any(each.name.casefold() == name.casefold() for each in others):
            raise Refused(409, "name_taken")

    def _limit(self, there_are: int, allowed: int) -> None:
        if there_are >= allowed:
            raise Refused(409, "limit_exceeded")

    def _verify(
        self, vendor: str, secret: str, base_url: str | None, weather: Weather, pending_allowed: bool = False
    ) -> str:
        self.verified = (vendor, secret, base_url)
        if weather.dies == "before":
            raise Died
        if weather.verdict in REFUSALS and not (pending_allowed and weather.verdict != "rejected"):
            raise Refused(*REFUSALS[weather.verdict])
        return weather.verdict

    def _duplicates(self, org: str, vendor: str, secret: str, but: str | None) -> tuple[Data, ...]:
        others = self._holders(org, vendor, secret, but)
        return ({"code": "duplicate_credential", "provider_ids": others},) if others else ()

    def _note(
        self,
        org: str,
        action: str,
        kind: str,
        thing: str,
        before: Data | None,
        after: Data | None,
        *,
        system: bool = False,
    ) -> None:
        if before is not None and after is not None:
            changed = [name for name in before if before[name] != after[name]]
            before, after = ({name: facts[name] for name in changed} for facts in (before, after))
        entry = {
            "at": text(self.now),
            "actor": {"type": "system", "key_id": None} if system else {"type": "management_key", "key_id": f"01{org}"},
            "action": action,
            "resource": {"type": kind, "id": thing},
            "before": before,
            "after": after,
            "request_id": None if system else "request-1",
        }
        self.audit.append((org, entry))


def route_facts(config: Data | None) -> Data | None:
    return config and {name: config[name] for name in ("strategy", "attempts")}
