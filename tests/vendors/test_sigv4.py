"""Signed requests, compared with those of botocore."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.vendors._bedrock_keys import AwsCredential
from providers.vendors.bedrock import sign
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


def credential(token: str | None, region: str = "us-east-1") -> AwsCredential:
    """Return an access key."""
    return AwsCredential(
        Secret(KEY_ID),
        "AKIA…",
        region=region,
        access_key_id=Secret(KEY_ID),
        secret_access_key=Secret(SECRET),
        session_token=None if token is None else Secret(token),
    )


def by_botocore(url: str, token: str | None, region: str, at: datetime) -> dict[str, str]:
    """Return the headers that botocore adds at a given time."""
    request = AWSRequest("GET", url)
    request.context["timestamp"] = f"{at:%Y%m%dT%H%M%SZ}"
    signer = SigV4Auth(Credentials(KEY_ID, SECRET, token), "bedrock", region)
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
    at=moments,
)
def test_a_signature_equals_botocores(url: str, token: str | None, region: str, at: datetime) -> None:
    """Signatures equal botocore's for any host, port, path, query, region and time, with and without session token."""
    ours = sign(credential(token, region), url, at)

    plain = {name: value.reveal() if isinstance(value, Secret) else value for name, value in ours.items()}
    assert plain == by_botocore(url, token, region, at)


@pytest.mark.parametrize("name", ["authorization", "x-amz-security-token"])
def test_signed_headers_do_not_show_themselves(name: str) -> None:
    """A request's repr shows neither the key id nor the session token."""
    headers = sign(
        credential("FAKETOKENEXAMPLE"), "https://bedrock.us-east-1.amazonaws.com/", datetime(2026, 11, 23, tzinfo=UTC)
    )

    assert repr(headers[name]) == "Secret(…)"


def test_a_signature_equals_the_algorithms() -> None:
    """Signatures equal those of an independent implementation with the standard library."""
    url = "https://bedrock.us-east-1.amazonaws.com/foundation-models?byProvider=amazon"

    headers = sign(credential(None), url, datetime(2026, 11, 23, 12, tzinfo=UTC))

    assert headers["authorization"] == Secret(
        "AWS4-HMAC-SHA256 Credential=AKIAFAKEFAKEFEXAMPLE/20261123/us-east-1/bedrock/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=da2cfe9be4a5dec179954400781b49437767027de7fd25a175094a7472052e1e"
    )


def test_botocore_is_loaded_at_the_first_signature() -> None:
    """botocore's signer is loaded on first use, because it adds 0.1 s to a cold start."""
    script = "import sys, providers.vendors as v; v.vendor('bedrock'); print('botocore' in sys.modules)"

    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "False\n"
    )
