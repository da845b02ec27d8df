"""GET /manage/v1/openapi.json."""

import hashlib
from pathlib import Path
from typing import Any, Final

_TEXT: Final = (Path(__file__).parent / "openapi.json").read_text(encoding="utf-8")
_TAG: Final = f'"{hashlib.sha256(_TEXT.encode()).hexdigest()[:16]}"'


def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Return the OpenAPI document as it was at deployment. Requires no management key."""
    given = {name.lower(): value for name, value in (event.get("headers") or {}).items()}.get("if-none-match", "")
    known = [tag.strip().removeprefix("W/") for tag in given.split(",")]
    headers = {
        "ETag": _TAG,
        "Cache-Control": "no-cache",
        "X-Request-Id": str((event.get("requestContext") or {}).get("requestId", "")),
    }
    if _TAG in known or "*" in known:
        return {"statusCode": 304, "headers": headers, "isBase64Encoded": False, "body": ""}
    headers["Content-Type"] = "application/json"
    body = "" if event.get("httpMethod") == "HEAD" else _TEXT
    return {"statusCode": 200, "headers": headers, "isBase64Encoded": False, "body": body}
