"""The composition root: reads the environment once, builds each client when it is first used.

A test or the local stack passes its own parts to `install`; a function imports `endpoint` or `authorizer` from here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

from providers import vendors
from providers.edge.authorizer import authorizer as _authorizer
from providers.edge.endpoint import endpoint as _endpoint
from providers.model.policy import VERIFICATION_DEADLINE_S, Policy
from providers.model.vendor import Credential, Vendor
from providers.model.verdict import Verdict
from providers.ports import (
    Cipher,
    Clock,
    ManagementKeyStore,
    Ports,
    ProviderStore,
    RoutingStore,
)
from providers.vendors.base import host_matches

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from providers.adapters.digests import StackDigests
    from providers.adapters.http import HttpTransport, LoopThread

SIGNATURE_PATIENCE_S: Final = 6.0
"""Seconds of a verification's ten that may go into waiting before a second try (vendors.md, trap 6)."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says. `aws_url` and `vendors_url` are set on one machine only and lead to its emulators."""

    main_table: str
    secrets_table: str
    kms_key_id: str
    grace_s: int = 3600
    rate_limit: int = 60
    custom_base_urls: str = "vendor-hosts"
    aws_url: str | None = None
    vendors_url: str | None = None
    local: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, local: bool = False) -> Settings:
        """The settings in `environment`; KeyError for a missing one, ValueError for one that is no number.

        `local` is for the stack in one process; a set `LOCAL_AWS_URL` says the same for one in containers.
        """
        vendors_url = environment.get("LOCAL_VENDORS_URL") or None
        aws_url = environment.get("LOCAL_AWS_URL") or None
        return cls(
            main_table=environment["MAIN_TABLE"],
            secrets_table=environment["SECRETS_TABLE"],
            kms_key_id=environment["KMS_KEY_ID"],
            grace_s=int(environment.get("GRACE_SECONDS") or 3600),
            rate_limit=int(environment.get("RATE_LIMIT_PER_MINUTE") or 60),
            custom_base_urls=environment.get("CUSTOM_BASE_URLS") or "vendor-hosts",
            aws_url=aws_url,
            vendors_url=vendors_url,
            local=local or aws_url is not None,
        )


class Dependencies:
    """The real ports, each built when it is first asked for, so that a function pays for what it uses only."""

    def __init__(self, settings: Settings) -> None:
        self.settings: Final = settings
        self.deadline_s = VERIFICATION_DEADLINE_S

    @cached_property
    def policy(self) -> Policy:
        """The operator's settings."""
        return Policy(
            grace=timedelta(seconds=self.settings.grace_s),
            rate_limit=self.settings.rate_limit,
            any_base_url=self.settings.custom_base_urls == "any",
            local=self.settings.local,
        )

    @cached_property
    def clock(self) -> Clock:
        """The machine's clock."""
        from providers.adapters.clock import SystemClock

        return SystemClock()

    @cached_property
    def providers(self) -> ProviderStore:
        """Providers in DynamoDB."""
        from providers.adapters.dynamodb import DynamoProviders

        return DynamoProviders(self.dynamodb, self.settings.main_table, self.settings.secrets_table)

    @cached_property
    def routing(self) -> RoutingStore:
        """Routing configs in DynamoDB."""
        from providers.adapters.dynamodb import DynamoRouting

        return DynamoRouting(self.dynamodb, self.settings.main_table)

    @cached_property
    def management_keys(self) -> ManagementKeyStore:
        """Management keys in DynamoDB."""
        from providers.adapters.dynamodb import DynamoManagementKeys

        return DynamoManagementKeys(self.dynamodb, self.settings.main_table)

    @cached_property
    def cipher(self) -> Cipher:
        """Envelope encryption under the stack's KMS key."""
        from providers.adapters.dynamodb import DynamoDataKeys
        from providers.adapters.envelope import KmsEnvelope

        keys = DynamoDataKeys(self.dynamodb, self.settings.secrets_table, prefix="ORG#")
        return KmsEnvelope(self.kms, self.settings.kms_key_id, keys, self.clock)

    @cached_property
    def digests(self) -> StackDigests:
        """Keyed digests under the stack's digest key."""
        from providers.adapters.digests import StackDigests
        from providers.adapters.dynamodb import DynamoDataKeys

        keys = DynamoDataKeys(self.dynamodb, self.settings.main_table)
        return StackDigests(self.kms, self.settings.kms_key_id, keys)

    @cached_property
    def _asker(self) -> tuple[LoopThread, HttpTransport]:
        from providers.adapters.http import CheckedBackend, HttpTransport, LoopThread

        return LoopThread(), HttpTransport(CheckedBackend(loopback=self.settings.local), reroute=self._reroute)

    def verify(self, vendor: Vendor, credential: Credential, base_url: str | None) -> Verdict:
        """Verification over httpx2, on an event loop of its own."""
        from providers.usecases.verify import verify

        loop, transport = self._asker
        return loop.run(
            verify(
                transport,
                vendor,
                credential,
                base_url,
                self.clock.now(),
                deadline_s=self.deadline_s,
                patience_s=SIGNATURE_PATIENCE_S,
            )
        )

    def close(self) -> None:
        """End what was started: running verifications are cancelled, connections closed. A Lambda never calls it."""
        if "_asker" in self.__dict__:
            loop, transport = self._asker
            loop.run(transport.aclose())
            loop.close()

    @cached_property
    def vendors(self) -> Callable[[str], Vendor]:
        """The vendors that the layer has."""
        return vendors.vendor

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """A DynamoDB client."""
        return self._client("dynamodb")  # type: ignore[no-any-return]

    @cached_property
    def kms(self) -> KMSClient:
        """A KMS client."""
        return self._client("kms")  # type: ignore[no-any-return]

    def _client(self, service: str) -> Any:
        """A client of `service`; the stack on one machine puts its own in place."""
        import boto3

        from providers.adapters.aws import CLIENT_CONFIG

        return boto3.client(service, endpoint_url=self.settings.aws_url, config=CLIENT_CONFIG)  # type: ignore[call-overload]

    def _reroute(self, host: str) -> str | None:
        """On one machine, a vendor's own host leads to the emulator; everywhere else nothing is rerouted."""
        official = any(host_matches(host, vendors.vendor(name).hosts) for name in vendors.NAMES)
        return self.settings.vendors_url if official else None


_installed: list[Ports] = []


def install(ports: Ports | None) -> None:
    """Use `ports` from now on; None for those that the environment describes, built anew."""
    _installed[:] = [] if ports is None else [ports]


def ports() -> Ports:
    """The ports of this process."""
    if not _installed:
        _installed.append(Dependencies(Settings.from_environment(os.environ)))
    return _installed[0]


endpoint = partial(_endpoint, ports)
"""`@endpoint(scope, body=…, query=…)`: see `providers.edge.endpoint`."""

authorizer = partial(_authorizer, ports)
"""`authorizer()` is the Lambda handler of the authorizer: see `providers.edge.authorizer`."""
