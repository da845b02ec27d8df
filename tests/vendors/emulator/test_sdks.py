"""The vendors' own SDKs work with the emulator: they list models, and raise their own errors for an invalid key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from local.vendors.cases.bedrock_keys import REGION, SECRET_ACCESS_KEY, SESSION_TOKEN
from local.vendors.keys import fake_key
from local.vendors.server import Emulator
from tests.vendors.emulator.sending import call

pytestmark = pytest.mark.usefixtures("_bare_environment")

PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
CREDENTIALS: Final = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
    "AZURE_OPENAI_API_KEY",
    "AZURE_OPENAI_AD_TOKEN",
    "AZURE_OPENAI_ENDPOINT",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "GOOGLE_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_GENAI_USE_VERTEXAI",
    "GOOGLE_GENAI_API_VERSION",
    "GROQ_API_KEY",
    "GROQ_BASE_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_PROFILE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_BEDROCK",
)


@pytest.fixture
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove proxies and credentials of this machine from the environment."""
    for name in PROXIES + CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def openai(url: str, key: str) -> list[str]:
    """Return the ids of the models that the SDK lists."""
    from openai import OpenAI

    with OpenAI(base_url=f"{url}/openai/v1", api_key=key, max_retries=0) as client:
        return [model.id for model in client.models.list()]


def anthropic(url: str, key: str) -> list[str]:
    """Return the ids of the models that the SDK lists."""
    from anthropic import Anthropic

    with Anthropic(base_url=f"{url}/anthropic", api_key=key, max_retries=0) as client:
        return [model.id for model in client.models.list(limit=1)]


def google(url: str, key: str) -> list[str]:
    """Return the names of the models that the SDK lists."""
    from google import genai
    from google.genai.types import HttpOptions, HttpRetryOptions

    options = HttpOptions(base_url=f"{url}/google", retry_options=HttpRetryOptions(attempts=1))
    with genai.Client(api_key=key, http_options=options) as client:
        return [model.name or "" for model in client.models.list()]


def azure(url: str, key: str) -> list[str]:
    """Return the ids of the models that the SDK lists at the dated path."""
    from openai import AzureOpenAI

    with AzureOpenAI(azure_endpoint=f"{url}/azure", api_key=key, api_version="2024-10-21", max_retries=0) as client:
        return [model.id for model in client.models.list()]


def azure_v1(url: str, key: str) -> list[str]:
    """Return the ids of the models that the SDK lists at the v1 path."""
    from openai import OpenAI

    with OpenAI(base_url=f"{url}/azure/openai/v1/", api_key=key, max_retries=0) as client:
        return [model.id for model in client.models.list()]


def groq(url: str, key: str) -> list[str]:
    """Return the ids of the models that the SDK lists."""
    from groq import Groq

    with Groq(base_url=f"{url}/groq", api_key=key, max_retries=0) as client:
        return [model.id for model in client.models.list().data]


def fireworks(url: str, key: str) -> list[str]:
    """Return the ids of the models that OpenAI's SDK lists."""
    from openai import OpenAI

    with OpenAI(base_url=f"{url}/fireworks/inference/v1", api_key=key, max_retries=0) as client:
        return [model.id for model in client.models.list()]


def bedrock(url: str, key: str) -> list[str]:
    """Return the ids of the models that boto3 lists."""
    import boto3
    from botocore.config import Config

    access_key_id, secret_access_key, region, *token = key.split("::")
    session = boto3.Session(access_key_id, secret_access_key, token[0] if token else None, region)
    config = Config(retries={"total_max_attempts": 1}, proxies={})
    client = session.client("bedrock", endpoint_url=f"{url}/bedrock", config=config)
    try:
        return [model["modelId"] for model in client.list_foundation_models(byProvider="amazon")["modelSummaries"]]
    finally:
        client.close()


Listing = Callable[[str, str], list[str]]

LISTS: Final[list[tuple[Listing, str, str, str]]] = [
    (openai, "openai", "valid", "gpt-emulated"),
    (anthropic, "anthropic", "valid", "claude-emulated-1"),
    (google, "google", "valid", "models/gemini-emulated"),
    (google, "google", "valid-auth-key", "models/gemini-emulated"),
    (azure, "azure", "valid", "gpt-emulated"),
    (azure, "azure", "valid-dated", "gpt-emulated"),
    (azure_v1, "azure", "valid", "gpt-emulated"),
    (groq, "groq", "valid", "llama-emulated"),
    (fireworks, "fireworks", "valid", "accounts/fireworks/models/emulated"),
    (bedrock, "bedrock", "valid", "amazon.emulated-v1:0"),
    (bedrock, "bedrock", "valid-session", "amazon.emulated-v1:0"),
]


@pytest.mark.parametrize(
    ("listing", "vendor", "slug", "first"), LISTS, ids=[f"{listing.__name__}-{slug}" for listing, _, slug, _ in LISTS]
)
def test_a_vendors_sdk_lists_models(emulator: Emulator, listing: Listing, vendor: str, slug: str, first: str) -> None:
    """Each vendor's SDK understands the emulator's list of models."""
    assert listing(emulator.url, fake_key(vendor, slug))[0] == first


REFUSALS: Final[list[tuple[Listing, str, str, str, int]]] = [
    (openai, "openai", "sk-proj-made-up-EXAMPLE", "openai.AuthenticationError", 401),
    (anthropic, "anthropic", "sk-ant-made-up-EXAMPLE", "anthropic.AuthenticationError", 401),
    (google, "google", "made-up-EXAMPLE", "google.genai.errors.ClientError", 400),
    (azure, "azure", "made-up-EXAMPLE", "openai.AuthenticationError", 401),
    (azure_v1, "azure", "made-up-EXAMPLE", "openai.AuthenticationError", 401),
    (groq, "groq", "gsk_made_up_EXAMPLE", "groq.AuthenticationError", 401),
    (fireworks, "fireworks", "fw_made_up_EXAMPLE", "openai.AuthenticationError", 401),
]


@pytest.mark.parametrize(
    ("listing", "vendor", "key", "error", "status"), REFUSALS, ids=[row[0].__name__ for row in REFUSALS]
)
def test_a_vendors_sdk_raises_its_own_error_for_an_invalid_key(
    emulator: Emulator, listing: Listing, vendor: str, key: str, error: str, status: int
) -> None:
    """Each vendor's SDK raises its usual exception for an invalid key."""
    expected = pytest.importorskip(error.rpartition(".")[0]).__dict__[error.rpartition(".")[2]]

    with pytest.raises(expected) as caught:
        listing(emulator.url, key)

    raised: Any = caught.value
    assert getattr(raised, "status_code", None) or raised.code == status
    assert emulator.played[vendor, "invalid"] == 1


AWS_REFUSALS: Final = {
    "unknown id": (f"AKIAMADEUPFEEXAMPLE2::{SECRET_ACCESS_KEY}::{REGION}", "UnrecognizedClientException"),
    "wrong secret": (fake_key("bedrock").replace("FAKE/EXAMPLE", "MADE/UP/KEYS"), "InvalidSignatureException"),
    "wrong session token": (
        fake_key("bedrock", "valid-session").replace(SESSION_TOKEN, "MADE/UP/EXAMPLE=="),
        "UnrecognizedClientException",
    ),
    "denied": (fake_key("bedrock", "denied"), "AccessDeniedException"),
}


@pytest.mark.parametrize(("key", "code"), AWS_REFUSALS.values(), ids=AWS_REFUSALS)
def test_boto3_raises_the_error_that_aws_names(emulator: Emulator, key: str, code: str) -> None:
    """botocore finds the error code in the emulator's headers and bodies."""
    from botocore.exceptions import ClientError

    with pytest.raises(ClientError) as caught:
        bedrock(emulator.url, key)

    assert caught.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("slug", "status"), [("valid-api-key", 200), ("valid-short-term", 200), ("invalid-api-key", 403)]
)
def test_bedrocks_api_keys_are_bearer_tokens(emulator: Emulator, slug: str, status: int) -> None:
    """Bedrock API keys work as bearer tokens; not sent by boto3, which requires TLS for them."""
    token = fake_key("bedrock", slug).partition("::")[0]

    response = call(f"{emulator.url}/bedrock/foundation-models", headers={"authorization": f"Bearer {token}"})

    assert response.status_code == status
