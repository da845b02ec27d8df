"""The generated files as text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from openapi.document import describe
from openapi.page import page

ROOT: Final = Path(__file__).parent.parent
DESCRIPTION: Final = ROOT / "functions" / "get_openapi" / "openapi.json"
PAGE: Final = ROOT / "docs" / "api.md"


def written() -> dict[Path, str]:
    """Return the text of each file. It depends on the contract only, not on a time, random id or machine."""
    document = describe()
    return {
        DESCRIPTION: json.dumps(document, ensure_ascii=False, indent=2) + "\n",
        PAGE: page(document),
    }
