"""GET /console and GET /docs: the pages for people, and their scripts and styles."""

import hashlib
import json
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from providers_contract import vendors
from providers_contract.errors import ERRORS, error_body

_STATIC: Final = Path(__file__).parent / "static"
_PAGES: Final = {"/console": "console.html", "/docs": "docs.html"}
_TYPES: Final = {".js": "text/javascript; charset=utf-8", ".html": "text/html; charset=utf-8"}

_FOREVER: Final = "public, max-age=31536000, immutable"
"""For a URL that contains the version of all files."""

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}
"""The pages hold a management key: they run only their own files, talk only to their own API, and allow no frame."""


def _vendors() -> str:
    """Return what the add dialog knows of each vendor: how to recognize its keys, and which fields to show."""
    shown = ("title", "key_format", "base_url_required", "own_forms", "useless")
    rows = {name: {field: row[field] for field in shown} for name, row in vendors.ROWS.items()}
    return json.dumps(rows, separators=(",", ":"))


def _files() -> dict[str, str]:
    """Return every file by name; in pages, `{version}` becomes the version of all of them."""
    found = {path.name: path.read_text(encoding="utf-8") for path in sorted(_STATIC.iterdir())}
    found["vendors.json"] = _vendors()
    version = hashlib.sha256("\0".join(found.values()).encode()).hexdigest()[:12]
    pages = {name: found[name].replace("{version}", version) for name in _PAGES.values()}
    return {**found, **pages, "": version}


_FILES: Final = _files()
_VERSION: Final = _FILES.pop("")


def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Return a page or a file. Requires no management key: the page asks for one, and sends it to the API only."""
    request_id = str((event.get("requestContext") or {}).get("requestId", ""))
    path = event.get("pathParameters") or {}
    name = _PAGES.get(str(event.get("resource")), str(path.get("file")))
    text = _FILES.get(name)
    headers = {**HEADERS, "X-Request-Id": request_id}
    if text is None:
        body = error_body("route_not_found", ERRORS["route_not_found"].message, request_id, {})
        headers |= {"Cache-Control": "no-store", "Content-Type": "application/json"}
        return {"statusCode": 404, "headers": headers, "isBase64Encoded": False, "body": json.dumps(body) + "\n"}
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
    headers |= {"ETag": tag, "Cache-Control": _FOREVER if path.get("version") == _VERSION else "no-cache"}
    given = {key.lower(): value for key, value in (event.get("headers") or {}).items()}.get("if-none-match", "")
    if tag in [each.strip().removeprefix("W/") for each in given.split(",")]:
        return {"statusCode": 304, "headers": headers, "isBase64Encoded": False, "body": ""}
    suffix = Path(name).suffix
    headers["Content-Type"] = _TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
    content = "" if event.get("httpMethod") == "HEAD" else text
    return {"statusCode": 200, "headers": headers, "isBase64Encoded": False, "body": content}
