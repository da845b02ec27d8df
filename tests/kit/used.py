"""A stack with a provider of each vendor, which programs use over HTTP."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from local.background import in_background
from local.stack import ORG, Stack, running_stack
from local.vendors.cases import EMULATED
from local.vendors.keys import fake_key
from local.vendors.server import Emulator
from providers import vendors
from providers_client import Client
from providers_data_plane import Credentials, Settings

_serials: Final = itertools.count(500_001)
PATIENT: Final = {
    "VERIFICATIONS_PER_MINUTE_PER_ORG": "100000",
    "VERIFICATIONS_PER_MINUTE": "100000",
    "RATE_LIMIT_PER_MINUTE": "100000",
}


@dataclass
class Used:
    """A stack, and the providers that are used: one of each vendor, called as the vendor."""

    stack: Stack
    client: Client
    ids: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def emulator(self) -> Emulator:
        """The emulator of the vendors."""
        assert self.stack.emulator is not None
        return self.stack.emulator

    def base_url(self, vendor: str) -> str:
        """Return the base_url of `vendor` at the emulator."""
        return f"{self.emulator.url}/{vendor}{EMULATED[vendor].base_path}"

    def add(self, vendor: str) -> None:
        """Add the provider of `vendor`."""
        key = self.keys[vendor] = new_key(vendor)
        self.ids[vendor] = self.client.add_provider(vendor, vendor, key, base_url=self.base_url(vendor)).data.id

    def rotate(self, vendor: str) -> str:
        """Replace the key of `vendor`'s provider; return the old one."""
        old, self.keys[vendor] = self.keys[vendor], new_key(vendor)
        self.client.update_provider(self.ids[vendor], api_key=self.keys[vendor])
        return old

    def revoke(self, vendor: str, key: str) -> None:
        """Have the vendor refuse `key` from now on."""
        self.emulator.refuse(vendor, key)

    def credentials(self, **changes: Any) -> Credentials:
        """Return the stack's credentials as another program reads them, over HTTP."""
        settings = Settings.from_environment(self.stack.environment() | changes)
        return Credentials(settings, client=lambda service: aws_client(self.stack.environment(), service))


def aws_client(environment: Mapping[str, str], service: str) -> Any:
    """Return a client as botocore makes it from `environment`, without changing this process's own."""
    from botocore.session import get_session

    return get_session().create_client(
        service,
        region_name=environment["AWS_REGION"],
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def new_key(vendor: str) -> str:
    """Return another valid key."""
    return fake_key(vendor, serial=next(_serials))


@contextmanager
def used_stack(names: tuple[str, ...] = vendors.NAMES, **settings: str) -> Iterator[Used]:
    """Run a stack with a provider of each vendor."""
    with (
        in_background(running_stack(aws_port=0, settings=PATIENT | settings)) as stack,
        Client(stack.url, stack.mint(ORG).reveal()) as client,
    ):
        used = Used(stack, client)
        for vendor in names:
            used.add(vendor)
        yield used
