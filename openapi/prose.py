"""The document's prose: the introduction and the descriptions of its tags."""

from __future__ import annotations

from typing import Final

from providers_contract.examples import MANAGEMENT_KEY
from providers_contract.limits import MAX_BODY_BYTES

TAGS: Final = {
    "providers": (
        "Providers",
        "Credentials for LLM vendors: verified before they are stored or replaced, and never shown again.",
    ),
    "health": ("Health of providers", "The results of probing the credentials."),
    "routing": (
        "Routing configs",
        "Routing configs, reduced to the providers that they use: those cannot be deleted.",
    ),
    "audit": ("Audit trail", "Who changed what."),
    "uploads": ("Uploads", "Links at which a person enters a credential, so that no one else sees it."),
    "keys": ("Management keys", "What a management key allows. Operators create and revoke the keys."),
    "events": ("Events", "Sent to the operator's webhook, and on EventBridge: docs/events.md."),
    "description": ("This description", "The document from which this page is generated."),
}
"""The groups of operations: title and description."""

_RETRIES: Final = """
## Safe retries

Send an `Idempotency-Key` (1 to 255 visible ASCII characters, a UUID for example) with a change. If you get no response,
send the request again with the same key: the change is made once, and the first response is repeated with
`Idempotency-Replayed: true`. The same key with another request is refused. Keys are kept for 24 hours, per
organization.
"""

INTRODUCTION: Final = f"""\
Requests and responses are JSON in UTF-8. A success is `{{"data": …}}`, with `next_cursor` next to it in a list, and
`warnings` if a change has any. Times are RFC 3339 in UTC. Responses may get more fields: ignore unknown ones. Requests
are validated strictly: an unknown field or parameter is refused, so that a misspelt one is not ignored. The
maximum size of a body is {MAX_BODY_BYTES // 1024} KiB.

## Authentication

Send a management key with each request: `Authorization: Bearer {MANAGEMENT_KEY}`. The key determines your organization;
resources of other organizations are not found. It has some of the scopes `providers:read`, `providers:write`,
`routing:read` and `routing:write`, and most operations require one of them. A key may send 60 requests a minute, unless
the operator sets another limit; the `RateLimit-…` headers report the rate limit, and `Retry-After` when to continue.

## Errors

Every error has the format of `ErrorResponse`. Switch on `error.code`, show `error.message` to people, and quote
`error.request_id`, which is also the header `X-Request-Id` of every response, when you report a problem. No response
contains a credential, or a vendor's own text about one.

`HEAD` works wherever `GET` does. `OPTIONS` returns the methods of a path in `Allow`, and a method that the path lacks
is 405 `method_not_allowed`, with `Allow`; both need a management key. (On the routes that need none, they are 404.)
{_RETRIES}
## Concurrent changes

A response with one provider has an `ETag`. Send it as `If-Match` with a change, and the change is made only if the
provider has not changed; send it as `If-None-Match` with a read, and the response is 304 without a body if nothing has
changed.

## Lists

A list returns at most `limit` entries. If there are more, `next_cursor` is not null: send it as `cursor`, with the same
filters.
"""
