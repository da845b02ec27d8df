"""The settings of a data plane, from its environment. All but the organization are outputs of the stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from providers_contract.frozen import dataclass
from providers_contract.hosts import host_patterns
from providers_data_plane.errors import ConfigurationError

MAX_AGE_S: Final = 30.0
"""Default time for which a credential is used without asking DynamoDB whether it was replaced."""

COMMIT_S: Final = 5.0
"""Maximum seconds between the time that a rotation takes for the beginning of the grace window, and its commit.

A check in between finds the old version active. It is also what the machines' clocks may differ by.
"""

_REQUIRED: Final = {
    "MAIN_TABLE": "MainTableName",
    "SECRETS_TABLE": "SecretsTableName",
    "KMS_KEY_ID": "KmsKeyId",
    "GRACE_SECONDS": "GraceSeconds",
}
"""The required variables, and the stack's outputs that are their values."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a data plane.

    Args:
        main_table, secrets_table, kms_key_id: where the stack stores credentials.
        grace_s: the grace window of a replaced key version. A cached credential is used for five seconds less at most,
            because it may have been replaced right after it was read.
        max_age_s: how long a cached credential is used without a check; at most as long.
        org: the organization whose providers `use` finds by default.
        queue_url: the queue of the probe workers; empty to report no refused keys.
        allowed_base_url_hosts: hosts that the operator allows besides the vendors' own.
        local: whether AWS is emulated on this machine; loopback base_urls are then allowed.
    """

    main_table: str
    secrets_table: str
    kms_key_id: str
    grace_s: float
    max_age_s: float = MAX_AGE_S
    org: str = ""
    queue_url: str = ""
    allowed_base_url_hosts: tuple[str, ...] = ()
    local: bool = False

    @property
    def usable_s(self) -> float:
        """Seconds for which a credential may be used after a check that found it active."""
        return max(0.0, self.grace_s - COMMIT_S)

    @property
    def fresh_s(self) -> float:
        """Seconds for which it is used without another check."""
        return min(self.max_age_s, self.usable_s)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings in `environment`. Raises ConfigurationError if one is missing or invalid."""
        missing = [
            f"{name} (the stack's output {output})" for name, output in _REQUIRED.items() if not environment.get(name)
        ]
        if missing:
            raise ConfigurationError(f"set {', '.join(missing)}")
        try:
            return cls(
                main_table=environment["MAIN_TABLE"],
                secrets_table=environment["SECRETS_TABLE"],
                kms_key_id=environment["KMS_KEY_ID"],
                grace_s=float(environment["GRACE_SECONDS"]),
                max_age_s=float(environment.get("PROVIDERS_MAX_AGE_SECONDS") or MAX_AGE_S),
                org=environment.get("PROVIDERS_ORG") or "",
                queue_url=environment.get("QUEUE_URL") or "",
                allowed_base_url_hosts=host_patterns(environment.get("ALLOWED_BASE_URL_HOSTS") or ""),
                local=_is_loopback(environment.get("AWS_ENDPOINT_URL") or ""),
            )
        except ValueError:
            raise ConfigurationError(
                "GRACE_SECONDS and PROVIDERS_MAX_AGE_SECONDS must be numbers, and ALLOWED_BASE_URL_HOSTS host names"
            ) from None


def _is_loopback(url: str) -> bool:
    try:
        return (urlsplit(url).hostname or "") in ("localhost", "127.0.0.1", "::1")
    except ValueError:
        return False
