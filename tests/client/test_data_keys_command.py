"""`providers data-keys` on a deployed stack; tests/client/test_against_the_stack.py has the local one."""

from __future__ import annotations

import pytest

from providers.bootstrap import Dependencies
from tests.client.test_keys_command import OPERATOR, STACK, deployed

__all__ = ["deployed"]  # the fixture

ORG = "org_data_keys"


def test_data_keys_of_a_deployed_stack_are_listed(deployed: Dependencies) -> None:
    """The command uses the operator's AWS credentials; an organization without credentials has no data key."""
    assert "has stored no credential" in OPERATOR.ok("data-keys", "list", *STACK, "--org", ORG).err
    deployed.cipher.add_data_key(ORG)
    assert OPERATOR.ok("data-keys", "list", *STACK, "--org", ORG, "--json").data[0]["id"] == "00000001"
    assert OPERATOR.ok("data-keys", "rotate", *STACK, "--org", ORG, "--json").data["id"] == "00000002"


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("rotate", *STACK, "--org", "org_none"), 3, "has no data key"),
        (("reseal", *STACK, "--org", "org_none"), 3, "has no data key"),
        (("destroy", "00000001", *STACK, "--org", "org_none", "--yes"), 3, "no data key with this id"),
        (("list", "--org", ORG), 2, "use --stack NAME"),
    ],
)
def test_a_refused_command_prints_one_line(arguments: tuple[str, ...], code: int, expected: str) -> None:
    """A refused command prints one line with the reason on standard error, and nothing on standard output."""
    done = OPERATOR("data-keys", *arguments)
    assert (done.code, done.out) == (code, "")
    assert expected in done.err
