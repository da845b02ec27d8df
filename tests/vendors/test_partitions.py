"""The AWS partitions in the code, compared with botocore's tables."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import botocore
import pytest

from providers import vendors
from providers.vendors._partitions import DEFAULT_REGIONS, PARTITIONS, REGION, control_plane, partition_of, region_of
from tests.vendors.exchanges import always, verify

DATA = Path(botocore.__file__).parent / "data"


def _partitions() -> list[dict[str, Any]]:
    return json.loads((DATA / "partitions.json").read_text())["partitions"]  # type: ignore[no-any-return]


REGIONS = [
    (partition["id"], region)
    for partition in _partitions()
    for region in partition["regions"]
    if not region.endswith("-global")
]


def test_the_suffixes_are_botocores() -> None:
    """The DNS suffixes of the partitions equal botocore's."""
    assert {each.name: (each.suffix, each.dual_stack) for each in PARTITIONS} == {
        each["id"]: (each["outputs"]["dnsSuffix"], each["outputs"]["dualStackDnsSuffix"]) for each in _partitions()
    }


@pytest.mark.parametrize("partition", _partitions(), ids=lambda each: each["id"])
def test_the_prefixes_of_regions_are_botocores(partition: dict[str, Any]) -> None:
    """The region prefixes of the partitions equal botocore's."""
    (ours,) = (each for each in PARTITIONS if each.name == partition["id"])
    theirs = partition["regionRegex"]
    assert all(re.fullmatch(theirs.strip("^$"), f"{prefix}-x-1") for prefix in ours.prefixes)
    known = {prefix for each in PARTITIONS for prefix in each.prefixes}
    assert {region.rsplit("-", 2)[0] for name, region in REGIONS if name == partition["id"]} <= known


@pytest.mark.parametrize(("partition", "region"), REGIONS)
def test_every_region_of_every_partition_can_be_written(partition: str, region: str) -> None:
    """Every region is accepted, including `eusc-de-east-1` with its four-letter prefix."""
    assert re.fullmatch(REGION, region)
    assert partition_of(region).name == partition


def test_a_region_of_unknown_form_is_treated_as_aws() -> None:
    """An unknown region belongs to the public partition, as in botocore."""
    assert partition_of("nz-north-1").name == "aws"


def test_the_regions_that_every_account_has_are_regions() -> None:
    """The default-enabled regions exist; a typo would hide invalid keys."""
    assert {region for _, region in REGIONS} >= DEFAULT_REGIONS
    assert {region for partition, region in REGIONS if partition != "aws"} <= DEFAULT_REGIONS


RULES = ["bedrock", "bedrock-runtime"]


@pytest.mark.parametrize(("partition", "region"), REGIONS)
@pytest.mark.parametrize("service", RULES)
def test_botocores_hosts_are_bedrocks_own(service: str, partition: str, region: str) -> None:
    """Public, FIPS and dual-stack hosts of each partition are Bedrock's own."""
    (outputs,) = (each["outputs"] for each in _partitions() if each["id"] == partition)
    hosts = [
        f"{service}{fips}.{region}.{outputs[suffix]}"
        for fips in ("", "-fips")
        for suffix in ("dnsSuffix", "dualStackDnsSuffix")
    ]
    endpoint = f"vpce-0a1b2c3d-4e5f6a7b.{service}.{region}.vpce.{outputs['dnsSuffix']}"

    bedrock = vendors.vendor("bedrock")

    assert [
        host for host in (*hosts, endpoint) if not bedrock.owns(f"https://{host}") or region_of(host) != region
    ] == []


NOT_OURS = [
    "bedrock.s3.amazonaws.com",  # a bucket called bedrock
    "bedrock.s3-us-west-2.amazonaws.com",
    "bedrock.s3-website-us-east-1.amazonaws.com",
    "bedrock.s3-accelerate.amazonaws.com",
    "bedrock.us-1.s3.amazonaws.com",
    "bedrock.us-east-1.amazonaws.com.evil.example",
    "evilbedrock.us-east-1.amazonaws.com",
    "bedrock.us-east-1.evil.com",
    "vpce-0a1b.vpce-svc-0c2d.us-east-1.vpce.amazonaws.com",  # anybody's own service
    "us-east-1.amazonaws.com",
]


@pytest.mark.parametrize("host", NOT_OURS)
def test_a_host_that_anyone_can_create_is_not_bedrocks(host: str) -> None:
    """S3 buckets and endpoint services below AWS's domains are not Bedrock's own."""
    assert not vendors.vendor("bedrock").owns(f"https://{host}")
    assert region_of(host) is None


CALLED = [
    (None, "us-east-1", "bedrock.us-east-1.amazonaws.com"),
    (None, "us-gov-west-1", "bedrock.us-gov-west-1.amazonaws.com"),
    (None, "cn-north-1", "bedrock.cn-north-1.amazonaws.com.cn"),
    (None, "eusc-de-east-1", "bedrock.eusc-de-east-1.amazonaws.eu"),
    (None, "us-iso-east-1", "bedrock.us-iso-east-1.c2s.ic.gov"),
    (None, "us-isob-east-1", "bedrock.us-isob-east-1.sc2s.sgov.gov"),
    ("bedrock-fips.us-east-1.amazonaws.com", "us-east-1", "bedrock-fips.us-east-1.amazonaws.com"),
    ("bedrock.us-east-1.api.aws", "us-east-1", "bedrock.us-east-1.api.aws"),
    ("bedrock-runtime.us-east-1.amazonaws.com/openai/v1", "us-east-1", "bedrock.us-east-1.amazonaws.com"),
    ("bedrock-runtime-fips.us-east-1.api.aws", "us-east-1", "bedrock-fips.us-east-1.api.aws"),
    ("bedrock-mantle.us-east-1.api.aws/v1", "us-east-1", "bedrock.us-east-1.api.aws"),
    ("bedrock-runtime.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", "bedrock.eusc-de-east-1.amazonaws.eu"),
    ("vpce-0a1b-2c3d.bedrock-runtime.us-east-1.vpce.amazonaws.com", "us-east-1", "bedrock.us-east-1.amazonaws.com"),
]
SECRET = "FAKE/EXAMPLE/ONLY/FAKE/EXAMPLE/ONLY/FAKE"


@pytest.mark.parametrize(("base_url", "region", "host"), CALLED)
def test_the_models_of_a_region_are_listed_at_its_control_plane(base_url: str | None, region: str, host: str) -> None:
    """With an inference base_url, models are listed at the region's control plane."""
    key = f"AKIAFAKEFAKEFEXAMPLE::{SECRET}::{region}"

    _, requests = verify("bedrock", always(418), key=key, base_url=f"https://{base_url}" if base_url else None)

    assert [request.url for request in requests] == [f"https://{host}/foundation-models?byProvider=amazon"]
    assert f"/{region}/bedrock/aws4_request" in requests[0].headers["authorization"].reveal()  # type: ignore[union-attr]


def test_another_host_does_not_change_the_control_plane() -> None:
    """Another host than Bedrock's own does not change the control plane of the region."""
    assert control_plane("us-east-1", "proxy.example") == "bedrock.us-east-1.amazonaws.com"
