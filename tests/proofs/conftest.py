"""The proofs' own modules say what they found, as tests do, when an assertion does not hold."""

import pytest

pytest.register_assert_rewrite("tests.proofs.changes", "tests.proofs.state", "tests.proofs.world")
