"""Our signer against botocore's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.vendors._sigv4 import sign
from providers_contract.secret import Secret

KEY_ID = "AKIAFAKEFAKEFEXAMPLE"
SECRET = "FAKE/EXAMPLE/ONLY/FAKE/EXAMPLE/ONLY/FAKE"

segments = st.one_of(
    st.sampled_from(["", ".", "..", "foundation-models", "a+b", "a%2Fb", "a~b", "x:y", "k=v"]),
    st.text(max_size=6).map(lambda text: quote(text, safe="")),
)
paths = st.lists(segments, max_size=5).map(lambda parts: "/" + "/".join(parts))
values = st.text(max_size=6).map(lambda text: quote(text, safe=""))
queries = st.lists(st.tuples(values, values | st.none()), max_size=4).map(
    lambda pairs: "&".join(name if value is None else f"{name}={value}" for name, value in pairs)
)
hosts = st.sampled_from(
    [
        "https://bedrock.us-east-1.amazonaws.com",
        "https://Bedrock.US-East-1.amazonaws.com:443",
        "https://proxy.example:8443",
        "http://127.0.0.1:5056",
        "http://proxy.example:80",
        "http://[::1]:5056",
    ]
)
urls = st.builds(lambda host, path, query: host + path + (f"?{query}" if query else ""), hosts, paths, queries)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
tokens = st.none() | st.text("ABCabc012/+=", min_size=16, max_size=40)


def by_botocore(url: str, token: str | None, region: str, service: str, at: datetime) -> dict[str, str]:
    """The headers that botocore adds, at a time that we choose."""
    request = AWSRequest("GET", url)
    request.context["timestamp"] = f"{at:%Y%m%dT%H%M%SZ}"
    signer = SigV4Auth(Credentials(KEY_ID, SECRET, token), service, region)
    steps: Any = signer  # what `add_auth` does, without its own look at the clock
    steps._modify_request_before_signing(request)
    canonical = steps.canonical_request(request)
    steps._inject_signature_to_request(request, steps.signature(steps.string_to_sign(request, canonical), request))
    return {name.lower(): value for name, value in request.headers.items()}


@settings(max_examples=200)
@given(
    url=urls,
    token=tokens,
    region=st.sampled_from(["us-east-1", "ap-southeast-2", "us-gov-west-1"]),
    service=st.sampled_from(["bedrock", "sts"]),
    at=moments,
)
def test_a_signature_is_the_one_that_botocore_makes(
    url: str, token: str | None, region: str, service: str, at: datetime
) -> None:
    """For any host, port, path, query, region, service, time, with a session token and without."""
    ours = sign(
        url,
        access_key_id=Secret(KEY_ID),
        secret_access_key=Secret(SECRET),
        session_token=None if token is None else Secret(token),
        region=region,
        service=service,
        at=at,
    )

    plain = {name: value.reveal() if isinstance(value, Secret) else value for name, value in ours.items()}
    assert plain == by_botocore(url, token, region, service, at)


@pytest.mark.parametrize("name", ["authorization", "x-amz-security-token"])
def test_signed_headers_do_not_show_themselves(name: str) -> None:
    """A request that is logged by accident shows neither the key id nor the session token."""
    headers = sign(
        "https://bedrock.us-east-1.amazonaws.com/",
        access_key_id=Secret(KEY_ID),
        secret_access_key=Secret(SECRET),
        session_token=Secret("FAKETOKENEXAMPLE"),
        region="us-east-1",
        service="bedrock",
        at=datetime(2026, 11, 23, tzinfo=UTC),
    )

    assert repr(headers[name]) == "Secret(…)"
