"""`python -m tests.kit.vendors_json` writes the clients' vendor data from the server's vendor modules."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from providers import vendors
from providers_contract.vendor import Variables, VendorFacts

COMMAND: Final = "python -m tests.kit.vendors_json"
PATH: Final = Path(__file__).parent.parent.parent / "layers/shared/providers_contract/vendors.json"


def written() -> str:
    """Return the file's text."""
    rows = {name: _members(VendorFacts, vendors.vendor(name)) for name in vendors.NAMES}
    for row in rows.values():
        del row["name"]
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"


def _members(of: type[VendorFacts | Variables], found: Any) -> dict[str, Any]:
    return {each.name: _plain(getattr(found, each.name)) for each in fields(of)}


def _plain(value: Any) -> Any:
    match value:
        case re.Pattern():
            assert not value.flags & ~re.UNICODE, "a form in vendors.json has no flags"
            return value.pattern
        case Variables():
            return _members(Variables, value)
        case tuple():
            return [_plain(each) for each in value]
    return value


def main() -> None:
    """Write the file."""
    PATH.write_text(written(), encoding="utf-8")
    sys.stdout.write(f"{PATH.name} is current\n")


if __name__ == "__main__":
    main()
