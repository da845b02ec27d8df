"""The document's prose: the introduction and the descriptions of its tags."""

from __future__ import annotations

from typing import Final

from providers_contract.examples import MANAGEMENT_KEY
from providers_contract.limits import MAX_BODY_BYTES

TAGS: Final = {
    "providers": (
        "Providers",
        "Credentials with LLM vendors: verified before they are stored or replaced, and never shown again.",
    ),
    "health": ("Health of providers", "What the checks of the credentials have found."),
    "routing": (
        "Routing configs",
        "Routing configs, as far as they name providers: a provider that one names cannot be deleted.",
    ),
    "audit": ("Audit trail", "Who changed what."),
    "uploads": ("Uploads", "Links at which a person enters a credential, so that nobody else gets to see it."),
    "description": ("This description", "The document that this page was made from."),
}
"""The groups of operations: what people call each, and what is in it."""

_REPEATING: Final = """
## Repeating a change

Send an `Idempotency-Key` (1 to 255 visible ASCII characters, a UUID for example) with a change, and send the same key
again if its answer got lost: the change is made once, and the first answer is given again, with
`Idempotency-Replayed: true`. The same key with another request is refused. Keys are kept for 24 hours, for each
organization.
"""

INTRODUCTION: Final = f"""\
Every request and answer is JSON in UTF-8. A success is `{{"data": …}}`, with `next_cursor` beside it in a list and
`warnings` beside it where a change was made and there is something to know about it. Times are RFC 3339 in UTC.
Answers can get more members: ignore those that you do not know. Requests are read strictly: an unknown member or
parameter is refused, so that a misspelt one is never dropped. A body has {MAX_BODY_BYTES // 1024} KiB at most.

## Authentication

Send a management key with each request: `Authorization: Bearer {MANAGEMENT_KEY}`. The key alone says which
organization you are; things of other organizations are not found. It has some of the scopes `providers:read`,
`providers:write`, `routing:read` and `routing:write`, and each operation needs one of them. A key may make 60
requests a minute (the operator can set another limit); the `RateLimit-…` headers tell where you are, and
`Retry-After` when to go on.

## Errors

Every failure has the shape of `Error`. Switch on `error.code`, show `error.message` to people, and quote
`error.request_id` when you report a problem. No answer holds a credential, nor what a vendor said about it in its own
words.
{_REPEATING}
## Changing what others change

An answer with one provider has an `ETag`. Send it as `If-Match` with a change, and the change is made only if the
provider is still as you saw it; send it as `If-None-Match` with a read, and the answer is 304 without a body while
nothing has changed.

## Lists

A list gives `limit` entries at most. Where there are more, `next_cursor` is not null: send it as `cursor`, with the
same filters.
"""
