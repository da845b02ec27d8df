"""Remove from botocore's data what only people read or other services need: `python trim.py FOLDER SERVICE…`.

Parsing these files is a large part of creating a client, so of a cold start.
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any


def without_documentation(model: Any) -> Any:
    """Return a model without its texts. A member that is named `documentation` is an object, and stays."""
    if isinstance(model, dict):
        return {
            name: without_documentation(value)
            for name, value in model.items()
            if not (name == "documentation" and isinstance(value, str))
        }
    return [without_documentation(each) for each in model] if isinstance(model, list) else model


def trim(data: Path, services: set[str]) -> None:
    """Rewrite the models and the list of endpoints in `data`, botocore's folder of data."""
    for path in data.glob("*/*/service-2.json.gz"):
        model = without_documentation(json.loads(gzip.decompress(path.read_bytes())))
        path.write_bytes(gzip.compress(_text(model), mtime=0))
    endpoints = data / "endpoints.json"
    found = json.loads(endpoints.read_text())
    for partition in found["partitions"]:
        partition["services"] = {name: value for name, value in partition["services"].items() if name in services}
    endpoints.write_bytes(_text(found))


def _text(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


if __name__ == "__main__":
    trim(Path(sys.argv[1]), set(sys.argv[2:]))
