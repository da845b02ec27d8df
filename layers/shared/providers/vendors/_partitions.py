"""AWS's partitions: their regions, the DNS suffixes of their hosts, and Bedrock's hosts in each.

Copied from botocore's `data/partitions.json` (1.44.5), because importing botocore takes more than a tenth of a second
of a cold start. A test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from providers_contract.frozen import dataclass

REGION: Final = r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}"
"""The form of a region's name in every partition."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition. `prefixes` are those of its regions; `dual_stack` is the suffix of hosts with IPv6."""

    name: str
    prefixes: tuple[str, ...]
    suffix: str
    dual_stack: str


PARTITIONS: Final = (
    Partition("aws", ("us", "eu", "ap", "ca", "sa", "af", "il", "me", "mx"), "amazonaws.com", "api.aws"),
    Partition("aws-us-gov", ("us-gov",), "amazonaws.com", "api.aws"),
    Partition("aws-cn", ("cn",), "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    Partition("aws-eusc", ("eusc-de",), "amazonaws.eu", "api.amazonwebservices.eu"),
    Partition("aws-iso", ("us-iso",), "c2s.ic.gov", "api.aws.ic.gov"),
    Partition("aws-iso-b", ("us-isob",), "sc2s.sgov.gov", "api.aws.scloud"),
    Partition("aws-iso-e", ("eu-isoe",), "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    Partition("aws-iso-f", ("us-isof",), "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
)

DEFAULT_REGIONS: Final = frozenset(
    {
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "cn-north-1",
        "cn-northwest-1",
        "eu-central-1",
        "eu-isoe-west-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "eusc-de-east-1",
        "sa-east-1",
        "us-east-1",
        "us-east-2",
        "us-gov-east-1",
        "us-gov-west-1",
        "us-iso-east-1",
        "us-iso-west-1",
        "us-isob-east-1",
        "us-isob-west-1",
        "us-isof-east-1",
        "us-isof-south-1",
        "us-west-1",
        "us-west-2",
    }
)
"""The regions that every account of their partition has.

In the partition `aws` these are the regions launched before 20 March 2019. Others must be enabled, and until then
refuse good credentials as unknown (AWS Account Management reference, "Enable or disable AWS Regions"). The other
partitions have no opt-in regions; they are also listed, so that a new region never makes a good credential invalid.
"""

_SERVICES: Final = ("bedrock", "bedrock-runtime", "bedrock-fips", "bedrock-runtime-fips", "bedrock-mantle")


def partition_of(region: str) -> Partition:
    """Return the partition of `region`; `aws` for an unknown form, as in botocore."""
    known = [(prefix, partition) for partition in PARTITIONS for prefix in partition.prefixes]
    found = [(len(prefix), partition) for prefix, partition in known if region.startswith(f"{prefix}-")]
    return max(found, key=lambda each: each[0], default=(0, PARTITIONS[0]))[1]


def _hosts() -> Iterator[str]:
    for service in _SERVICES:
        for partition in PARTITIONS:
            for prefix in partition.prefixes:
                region = f"{prefix}-*"
                if service != "bedrock-mantle":
                    yield f"{service}.{region}.{partition.suffix}"
                yield f"{service}.{region}.{partition.dual_stack}"
                yield f"vpce-*.{service}.{region}.vpce.{partition.suffix}"


HOSTS: Final = tuple(_hosts())
"""Bedrock's own hosts, as patterns. A `*` for a whole region would match `bedrock.s3.amazonaws.com`, a bucket.

From botocore's endpoint rule sets for bedrock and bedrock-runtime; bedrock-mantle and VPC endpoints from Bedrock's user
guide ("Endpoints supported by Amazon Bedrock", "Use interface VPC endpoints").
"""

_SUFFIXES: Final = "|".join(re.escape(suffix) for each in PARTITIONS for suffix in (each.suffix, each.dual_stack))
_OWN: Final = re.compile(
    rf"(?:vpce-[a-z0-9-]+\.)?(?P<service>{'|'.join(_SERVICES)})\.(?P<region>{REGION})\.(?P<vpce>vpce\.)?"
    rf"(?P<suffix>{_SUFFIXES})"
)


def region_of(host: str) -> str | None:
    """Return the region in the name of one of Bedrock's own hosts; None for any other host."""
    found = _OWN.fullmatch(host)
    return found["region"] if found else None


def control_plane(region: str, host: str | None = None) -> str:
    """Return the host that lists models in `region`, of the same kind (FIPS, dual stack) as `host`.

    `host` is one of Bedrock's own. The runtime and mantle hosts list no models, and a VPC endpoint cannot be reached
    from outside its network: the region's public host is used instead.
    """
    partition = partition_of(region)
    found = _OWN.fullmatch(host or "")
    service = "bedrock-fips" if found and found["service"].endswith("-fips") else "bedrock"
    dual = found is not None and found["suffix"] == partition.dual_stack and not found["vpce"]
    return f"{service}.{region}.{partition.dual_stack if dual else partition.suffix}"
