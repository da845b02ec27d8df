"""Enables pytest's assertion messages in the proofs' own modules."""

import pytest

pytest.register_assert_rewrite("tests.proofs.changes", "tests.proofs.state", "tests.proofs.world")
