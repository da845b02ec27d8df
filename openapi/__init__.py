"""The description of the API, made from the code: `python -m openapi` writes openapi.json and docs/api.md."""

import os

os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "providers-api")
os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "ERROR")  # read on import of a function
