"""The tests mirror the tree: `tests/usecases` for `providers.usecases`, and so on."""
