"""The pages of an upload link: no inline code, nothing from other sites, and all text from callers is escaped.

They work without their script. With it, the form stays after a refusal, and says that it is verifying.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any, Final
from urllib.parse import urlsplit

from providers.model.errors import ProvidersError
from providers.model.provider import Provider
from providers.model.upload import TRIES, Upload
from providers.model.vendor import Vendor

_FILES: Final = "../../../console/static"
"""The console's files, seen from a link."""

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every response at a link. The URL is secret: it is sent to no other site, and the page allows no frame."""

_AS_GIVEN: Final = "the key as the vendor shows it"


def form_page(upload: Upload, vendor_of_link: Vendor) -> str:
    """Return the page with the form for the credential, the provider's details, the expiry and an explanation.

    If the credential goes to a host that is not the vendor's, a warning with the host comes first.
    """
    name, vendor = escape(upload.name), escape(vendor_of_link.title)
    if upload.provider_id is None:
        provider, then = f"{name} (new)", "as a new provider"
    else:
        provider = f"{name} ({escape(upload.provider_id)})"
        then = "in place of the active key"
    warning = ""
    if upload.base_url is not None and not vendor_of_link.owns(upload.base_url):
        host = escape(urlsplit(upload.base_url).netloc)
        warning = (
            f'<p class="warning" role="alert">Your key will be sent to <strong>{host}</strong>, which is not a host of '
            f"{vendor}. Continue only if you know that your organization uses this proxy.</p>\n"
        )
    destination = f"{vendor} itself" if upload.base_url is None else escape(upload.base_url)
    return _page(
        f"Enter the {vendor} key for {name}",
        f"""{warning}<p><strong>{escape(upload.org)}</strong> asks for this key, with a link made by the management
key <strong>{escape(upload.key_name)}</strong>. It will be sent to <strong>{destination}</strong> to verify it, and
to no one else.</p>
<dl>
<dt>Provider</dt><dd>{provider}</dd>
<dt>Vendor</dt><dd>{vendor}</dd>
<dt>Works until</dt><dd>{_moment(upload.expires_at)}</dd>
<dt>Tries left</dt><dd id="tries">{TRIES - upload.tries} of {TRIES}</dd>
</dl>
<p>The key is verified first. If it works, it is encrypted and stored {then}. It is never shown again: only its
kind and its last four characters remain visible. This link works for one accepted key.</p>
<p>Enter a key only if you requested this link, or know who did.</p>
<form id="upload" method="post" autocomplete="off" data-vendor="{escape(upload.vendor)}">
<label for="api_key">Key</label>
<input id="api_key" name="api_key" type="password" required autocomplete="off" autocapitalize="none" spellcheck="false"
 aria-describedby="form">
<p id="form" class="hint">Enter {escape(vendor_of_link.key_format or _AS_GIVEN)}.</p>
<button type="submit" class="primary">Verify and store</button>
</form>
<script type="module" src="{_FILES}/upload.js"></script>""",
    )


def stored_page(provider: Provider, warnings: list[dict[str, Any]]) -> str:
    """Return the page that confirms the stored key, by its hint."""
    notes = "".join(f"<li>{escape(str(each['message']))}</li>\n" for each in warnings)
    return _page(
        "The key is stored",
        f"""<dl>
<dt>Provider</dt><dd>{escape(provider.name)} ({escape(provider.id)})</dd>
<dt>Vendor</dt><dd>{escape(provider.vendor)}</dd>
<dt>Key</dt><dd>{escape(provider.active.hint)}, version {provider.active.number}</dd>
<dt>Verification</dt><dd>{escape(_verification(provider))}</dd>
</dl>
{f"<p>Notes:</p><ul>{notes}</ul>" if notes else ""}
<p>This link is used up. You can close this page.</p>""",
    )


def failure_page(error: ProvidersError, request_id: str) -> str:
    """Return the page for an error; if the link may still work, it links to the form."""
    again = "" if error.code == "upload_not_found" else '<p><a href="">Back to the form</a></p>'
    return _page(
        "That did not work" if again else "This link does not work",
        f"""<p role="alert">{escape(error.message[:1].upper() + error.message[1:])}.</p>
{again}
<p><small>{escape(error.code)}, request {escape(request_id)}</small></p>""",
    )


def _verification(provider: Provider) -> str:
    reason = provider.verification.reason
    return f"{provider.verification.outcome.value}{f' ({reason.value})' if reason else ''}"


def _moment(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}">{at:%H:%M} UTC on {at.day} {at:%B %Y}</time>'


def _page(title: str, content: str) -> str:
    """Return a whole page; `title` and `content` are HTML."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<link rel="icon" href="{_FILES}/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="{_FILES}/style.css">
</head>
<body>
<main id="main" class="card page">
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""
