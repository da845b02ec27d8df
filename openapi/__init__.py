"""The OpenAPI document and its page, made from the code: `python -m openapi` writes openapi.json and docs/api.md."""
