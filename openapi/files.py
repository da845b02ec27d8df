"""The files that are made here, as text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from local.template import Template
from openapi.document import describe
from openapi.page import page

ROOT: Final = Path(__file__).parent.parent
DESCRIPTION: Final = ROOT / "functions" / "get_openapi" / "openapi.json"
PAGE: Final = ROOT / "docs" / "api.md"


def written() -> dict[Path, str]:
    """What each file has to hold. The same code gives the same text: no time, no random id, no machine is in it."""
    document = describe(Template())
    return {
        DESCRIPTION: json.dumps(document, ensure_ascii=False, indent=2) + "\n",
        PAGE: page(document),
    }
