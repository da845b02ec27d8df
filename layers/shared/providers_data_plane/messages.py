"""The message that asks the probe workers to probe providers. It contains ids only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime


def probe_message(minute: datetime, targets: Sequence[tuple[str, str]]) -> str:
    """Return the body of a message: probe these targets, each an (org, provider id), for this minute."""
    return json.dumps({"minute": minute.isoformat(), "providers": targets}, separators=(",", ":"))
