"""The vendors' own SDKs, with clients that use the active credential in each request.

    client = sdks.openai(credentials, "OpenAI Production")

A client's base_url is the provider's when the client is made; other options are passed to the SDK. `provider` is an id
or a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from providers_contract import vendors
from providers_data_plane.credentials import Credentials
from providers_data_plane.integrations.auth import (
    httpx2_auth,
    httpx_auth,
    refuse_other_origins,
    refuse_other_origins_async,
)

if TYPE_CHECKING:
    from anthropic import Anthropic, AsyncAnthropic
    from google.genai import Client as GoogleClient
    from groq import AsyncGroq, Groq
    from openai import AsyncAzureOpenAI, AsyncOpenAI, AzureOpenAI, OpenAI

_HOOKS: Final = (refuse_other_origins, refuse_other_origins_async)

PLACEHOLDER: Final = "set-by-providers-data-plane"
"""SDKs demand a key when a client is made; it is replaced in every request."""


def openai(credentials: Credentials, provider: str, **options: Any) -> OpenAI:
    """Return OpenAI's client, for OpenAI and for every vendor with OpenAI's interface (Groq, Fireworks, Azure's v1)."""
    import openai

    http = _http(openai.DefaultHttpxClient, credentials, provider)
    return openai.OpenAI(api_key=PLACEHOLDER, http_client=http, **_openai(credentials, provider, options))


def async_openai(credentials: Credentials, provider: str, **options: Any) -> AsyncOpenAI:
    """Return OpenAI's asynchronous client."""
    import openai

    http = _http(openai.DefaultAsyncHttpxClient, credentials, provider)
    return openai.AsyncOpenAI(api_key=PLACEHOLDER, http_client=http, **_openai(credentials, provider, options))


def azure_openai(credentials: Credentials, provider: str, **options: Any) -> AzureOpenAI:
    """Return the client of an Azure OpenAI resource. It needs `api_version`, as the SDK's own."""
    import openai

    http = _http(openai.DefaultHttpxClient, credentials, provider)
    given = {"azure_endpoint": _base_url(credentials, provider)} | options
    return openai.AzureOpenAI(api_key=PLACEHOLDER, http_client=http, **given)


def async_azure_openai(credentials: Credentials, provider: str, **options: Any) -> AsyncAzureOpenAI:
    """Return the asynchronous client of an Azure OpenAI resource."""
    import openai

    http = _http(openai.DefaultAsyncHttpxClient, credentials, provider)
    given = {"azure_endpoint": _base_url(credentials, provider)} | options
    return openai.AsyncAzureOpenAI(api_key=PLACEHOLDER, http_client=http, **given)


def anthropic(credentials: Credentials, provider: str, **options: Any) -> Anthropic:
    """Return Anthropic's client."""
    import anthropic

    http = _http(anthropic.DefaultHttpxClient, credentials, provider)
    return anthropic.Anthropic(api_key=PLACEHOLDER, http_client=http, **_plain(credentials, provider, options))


def async_anthropic(credentials: Credentials, provider: str, **options: Any) -> AsyncAnthropic:
    """Return Anthropic's asynchronous client."""
    import anthropic

    http = _http(anthropic.DefaultAsyncHttpxClient, credentials, provider)
    return anthropic.AsyncAnthropic(api_key=PLACEHOLDER, http_client=http, **_plain(credentials, provider, options))


def google(credentials: Credentials, provider: str, **options: Any) -> GoogleClient:
    """Return Google's client, synchronous and (`.aio`) asynchronous."""
    import httpx2
    from google import genai
    from google.genai.types import HttpOptions

    auth = httpx2_auth(credentials, provider)
    args, async_args = (
        {"auth": auth, "follow_redirects": False, "event_hooks": {"request": [hook]}} for hook in _HOOKS
    )
    async_args["transport"] = httpx2.AsyncHTTPTransport()  # otherwise it can choose aiohttp
    http = HttpOptions(base_url=_base_url(credentials, provider), client_args=args, async_client_args=async_args)
    return genai.Client(api_key=PLACEHOLDER, http_options=http, **options)


def groq(credentials: Credentials, provider: str, **options: Any) -> Groq:
    """Return Groq's client."""
    import groq

    http = _http(groq.DefaultHttpxClient, credentials, provider)
    return groq.Groq(api_key=PLACEHOLDER, http_client=http, **_plain(credentials, provider, options))


def async_groq(credentials: Credentials, provider: str, **options: Any) -> AsyncGroq:
    """Return Groq's asynchronous client."""
    import groq

    http = _http(groq.DefaultAsyncHttpxClient, credentials, provider)
    return groq.AsyncGroq(api_key=PLACEHOLDER, http_client=http, **_plain(credentials, provider, options))


def fireworks(credentials: Credentials, provider: str, **options: Any) -> Any:
    """Return Fireworks' client."""
    import fireworks

    http = _http(fireworks.DefaultHttpxClient, credentials, provider)
    return fireworks.Fireworks(api_key=PLACEHOLDER, http_client=http, **_plain(credentials, provider, options))


def async_fireworks(credentials: Credentials, provider: str, **options: Any) -> Any:
    """Return Fireworks' asynchronous client."""
    import fireworks

    http = _http(fireworks.DefaultAsyncHttpxClient, credentials, provider)
    return fireworks.AsyncFireworks(api_key=PLACEHOLDER, http_client=http, **_plain(credentials, provider, options))


def _http(kind: Any, credentials: Credentials, provider: str) -> Any:
    """Return an SDK's own HTTP client, of httpx2 or of httpx, as the release of the SDK has it.

    An SDK can follow redirects in spite of the client's setting; the hook refuses those to another host.
    """
    libraries = {each.__module__.partition(".")[0] for each in kind.__mro__}
    auth = httpx2_auth if "httpx2" in libraries else httpx_auth
    hook = _HOOKS["AsyncClient" in {each.__name__ for each in kind.__mro__}]
    return kind(auth=auth(credentials, provider), follow_redirects=False, event_hooks={"request": [hook]})


def _base_url(credentials: Credentials, provider: str) -> str | None:
    """Return the provider's base_url as its vendor's SDK expects it; None for the SDK's default."""
    with credentials.use(provider) as credential:
        return vendors.facts(credential.vendor).sdk_base_url(credential.base_url)


def _plain(credentials: Credentials, provider: str, options: dict[str, Any]) -> dict[str, Any]:
    return {"base_url": _base_url(credentials, provider)} | options


def _openai(credentials: Credentials, provider: str, options: dict[str, Any]) -> dict[str, Any]:
    with credentials.use(provider) as credential:
        return {"base_url": vendors.facts(credential.vendor).openai_base_url(credential.base_url)} | options
