"""The forms of ids and tokens, as patterns that the whole text must match."""

from __future__ import annotations

import re
from typing import Final

_ULID: Final = "[0-9A-HJKMNP-TV-Z]{26}"

ULID: Final = re.compile(_ULID)
"""The id of an audit entry, and of every resource without a prefix."""
PROVIDER_ID: Final = re.compile(f"prov_{_ULID}")
UPLOAD_ID: Final = re.compile(f"upl_{_ULID}")
SLUG: Final = re.compile(r"@?[a-z0-9][a-z0-9_-]{0,62}")
"""The name of a routing config."""
VERSION_NUMBER: Final = re.compile(r"[1-9][0-9]{0,7}")
MANAGEMENT_KEY_PREFIX: Final = "mlx_mk_"
"""The prefix of every management key; no vendor's credential contains it."""
MANAGEMENT_KEY: Final = re.compile(f"{MANAGEMENT_KEY_PREFIX}([0-9a-z]{{1,64}})_([0-9A-Za-z]{{43,128}})")
"""Groups: the key's id and its secret part."""
IDEMPOTENCY_KEY: Final = re.compile(r"[!-~]{1,255}")


def json_schema_pattern(form: re.Pattern[str]) -> str:
    """Return `form` as the `pattern` of a JSON schema, which matches anywhere unless it is anchored."""
    return f"^{form.pattern}$"
