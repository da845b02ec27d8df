"""The description of the API, made from the code: `python -m openapi` writes openapi.json and docs/api.md."""
