"""Amazon Bedrock: `GET /foundation-models`, signed with AWS credentials, or with a Bedrock API key as bearer.

STS is not needed: "not authorized to perform" means that the signature was accepted.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from providers.model.vendor import Credential, Exchange, ProbeRequest, ProbeResponse, Vendor, VerifyContext
from providers.model.verdict import Verdict
from providers.vendors._bedrock_keys import (
    EXPORTS,
    FORMS,
    HINT_FORMS,
    KEY_FORMAT,
    OWN_FORMS,
    USELESS,
    ApiKey,
    AwsCredential,
    parse,
)
from providers.vendors._partitions import DEFAULT_REGIONS, HOSTS, control_plane, region_of
from providers.vendors.base import bearer, common_reason, conclude, join, lists
from providers_contract.headers import http_date
from providers_contract.hosts import host_of
from providers_contract.secret import Secret
from providers_contract.vendor import Variables
from providers_contract.vocabulary import Reason

_PATH: Final = "/foundation-models?byProvider=amazon"
_SETTLING_S: Final = 5
"""AWS refuses a second secret for an access key id within this time, right or wrong (trufflehog, accesskey.go)."""
_MAX_DRIFT_S: Final = 300
"""If the clocks differ by more than this, they are the more likely cause of a refused signature."""

_SIGNATURE_CODES: Final = ("InvalidSignatureException", "SignatureDoesNotMatch")
_SKEW_WORDS: Final = ("signature expired", "signature not yet current")


def _error(response: ProbeResponse) -> tuple[str, str]:
    """Return code and message in lower case; empty if there is none.

    The code is in `x-amzn-errortype`, maybe between `namespace#` and `:http://…`, or in `__type`. STS sends XML.
    """
    body = response.json()
    code = response.headers.get("x-amzn-errortype") or body.get("__type")
    message = body.get("message") or body.get("Message")
    if code is None:
        text = response.body.decode(errors="replace")
        code, message = (
            found[1] if (found := re.search(rf"<{name}>([^<]*)</{name}>", text)) else None
            for name in ("Code", "Message")
        )
    code = code.partition(":")[0].rpartition("#")[2].strip() if isinstance(code, str) else ""
    return code, message.lower() if isinstance(message, str) else ""


def _mismatched(response: ProbeResponse, credential: Credential) -> bool:
    """Return whether the signature does not match: by a code of STS, or a message of Bedrock."""
    code, message = _error(response)
    if response.status != 403 or not isinstance(credential, AwsCredential):
        return False
    return (code in _SIGNATURE_CODES and "does not match" in message) or (
        code == "SignatureDoesNotMatch" and not message
    )


def _drift_s(response: ProbeResponse, now: datetime) -> float | None:
    """Return the seconds between the vendor's clock and ours, or None without a `Date`."""
    date = http_date(response.headers.get("date"))
    return None if date is None else abs((date - now).total_seconds())


def _classify(response: ProbeResponse, credential: AwsCredential | ApiKey, now: datetime) -> Reason | None:
    if lists(response, "modelSummaries"):
        return None
    if _mismatched(response, credential):
        return Reason.CLOCK_SKEW if (_drift_s(response, now) or 0) > _MAX_DRIFT_S else Reason.CREDENTIAL_REJECTED
    code, message = _error(response)
    match response.status, code:
        case 403, "UnrecognizedClientException" | "InvalidClientTokenId":
            known = credential.region in DEFAULT_REGIONS
            return Reason.CREDENTIAL_REJECTED if known else Reason.REGION_NOT_ENABLED
        case ((400 | 403), "ExpiredTokenException" | "ExpiredToken"):
            return Reason.CREDENTIAL_EXPIRED
        case ((400 | 403), "RequestExpired" | "RequestTimeTooSkewed"):
            return Reason.CLOCK_SKEW
        case ((400 | 403), _) if code in _SIGNATURE_CODES and any(words in message for words in _SKEW_WORDS):
            return Reason.CLOCK_SKEW
        case 403, "AccessDeniedException":
            return _classify_denial(message, credential)
        case 400, "ValidationException" if "operation not allowed" in message:
            return Reason.SERVICE_NOT_ENABLED
        case 403, "OptInRequired" | "SubscriptionRequiredException":
            return Reason.SERVICE_NOT_ENABLED
        case ((400 | 429), "ThrottlingException" | "TooManyRequestsException"):
            return Reason.RATE_LIMITED
        case ((400 | 429), "ServiceQuotaExceededException"):
            return Reason.QUOTA_EXHAUSTED
    return common_reason(response)


def _classify_denial(message: str, credential: AwsCredential | ApiKey) -> Reason:
    """Classify by message: missing permissions and an invalid Bedrock API key have the same code."""
    if "not authorized to " in message:  # perform: bedrock:…; invoke this API operation
        return Reason.INSUFFICIENT_PERMISSION
    if isinstance(credential, ApiKey) and "token has expired" in message:
        return Reason.CREDENTIAL_EXPIRED
    if isinstance(credential, ApiKey) and "api key is valid" in message:
        return Reason.CREDENTIAL_REJECTED
    return Reason.UNEXPECTED_ANSWER


def _account(response: ProbeResponse) -> str | None:
    """Return the account in the ARN of the user or role that a denial names."""
    found = re.search(r"arn:aws[a-z-]*:(?:iam|sts)::(\d{12}):", _error(response)[1])
    return found[1] if found else None


def _headers(credential: AwsCredential | ApiKey, url: str, at: datetime) -> dict[str, str | Secret]:
    if isinstance(credential, ApiKey):
        return {"authorization": bearer(credential.token)}
    return sign(credential, url, at)


def sign(credential: AwsCredential, url: str, at: datetime) -> dict[str, str | Secret]:
    """Return the headers that sign a GET of `url`, as sent over the wire, at `at` (UTC).

    `SigV4Auth.add_auth` does the same for the present moment only.
    """
    # Late imports: they take a tenth of a second, and most functions that load the vendors sign nothing.
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    key_id, token = credential.access_key_id.reveal(), credential.session_token
    plain = {"x-amz-date": f"{at:%Y%m%dT%H%M%SZ}"} | ({} if token is None else {"x-amz-security-token": token.reveal()})
    request = AWSRequest("GET", url, headers=plain)
    request.context["timestamp"] = plain["x-amz-date"]
    signer = SigV4Auth(Credentials(key_id, credential.secret_access_key.reveal()), "bedrock", credential.region)
    signed = signer.signed_headers(signer.headers_to_sign(request))
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={signed}, Signature={signature}"
    )
    headers: dict[str, str | Secret] = {"x-amz-date": plain["x-amz-date"], "authorization": Secret(authorization)}
    return headers if token is None else headers | {"x-amz-security-token": token}


def _verify(credential: Credential, base_url: str | None, context: VerifyContext) -> Exchange:
    """Verify a credential: send no expired short-term key, and retry a mismatched signature once, if there is time."""
    if not isinstance(credential, AwsCredential | ApiKey):
        raise TypeError("the credential was not parsed by bedrock")
    if credential.expires_at is not None and credential.expires_at <= context.now:
        return Verdict(Reason.CREDENTIAL_EXPIRED, account=credential.account)
    url = join(_control_plane_url(credential.region, base_url), _PATH)
    now = context.now
    response = yield ProbeRequest(url, _headers(credential, url, now))
    if _mismatched(response, credential) and context.patience_s > _SETTLING_S and _clocks_agree(response, now):
        now += timedelta(seconds=_SETTLING_S, milliseconds=response.latency_ms or 0)
        response = yield ProbeRequest(url, _headers(credential, url, now), delay_s=_SETTLING_S)
    return conclude(
        _classify(response, credential, now),
        response,
        credential,
        now,
        request_id_header="x-amzn-requestid",
        account=_account(response),
    )


def _control_plane_url(region: str, base_url: str | None) -> str:
    """Return the control plane's URL in `region` for Bedrock's own hosts, and a proxy's URL unchanged."""
    host = host_of(base_url) if base_url else ""
    return base_url if base_url and region_of(host) is None else f"https://{control_plane(region, host)}"


def _clocks_agree(response: ProbeResponse, now: datetime) -> bool:
    drift = _drift_s(response, now)
    return drift is not None and drift <= _MAX_DRIFT_S


VENDOR = Vendor(
    name="bedrock",
    title="Bedrock",
    key_format=KEY_FORMAT,
    hint_forms=HINT_FORMS,
    hosts=HOSTS,
    parse=parse,
    verify=_verify,
    forms=FORMS,
    own_forms=OWN_FORMS,
    useless=USELESS,
    variables=Variables(
        words=("BEDROCK",),
        exports=EXPORTS,
        base_url="AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        control_url="AWS_ENDPOINT_URL_BEDROCK",
        cleared=(
            "AWS_BEARER_TOKEN_BEDROCK",  # it takes precedence over an access key
            "ANTHROPIC_BEDROCK_BASE_URL",
            "AWS_BEDROCK_BASE_URL",
            "AWS_BEDROCK_RUNTIME_ENDPOINT",
        ),
    ),
    key_header=None,
    runtime_host=("bedrock.", "bedrock-runtime."),
)
