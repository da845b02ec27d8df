"""The page for operators: every command in it exists, with its options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import botocore.session
import click
import pytest
from botocore import xform_name

from local.template import Template
from providers_client.cli.app import app
from tests.kit.costs import page, rows, table, units

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text()

_CODE = re.compile(r"```sh\n(.*?)```|`([^`\n]+)`", re.DOTALL)
_OPTION = re.compile(r"(?<=\s)(--[a-z][a-z-]*)")
_GLOBAL = {"--query", "--output", "--region"}


def code() -> str:
    """Return the code of the page, a command on a line."""
    return "\n".join(block or span for block, span in _CODE.findall(PAGE)).replace("\\\n", "")


def commands(program: str) -> list[str]:
    """Return the page's commands of a program, each up to the end of its part of the line."""
    found = re.findall(rf"(?<![\w/-]){program} ([a-z][^\n|;)>]*)", code())
    return sorted({each.split(" &&")[0].split("  #")[0].strip() for each in found})


@pytest.mark.parametrize("command", commands("aws"))
def test_every_aws_command_exists(command: str) -> None:
    """The service, its operation and the operation's options, from the models that the AWS CLI uses."""
    service, operation, *rest = command.split()
    options = set(_OPTION.findall(command)) - _GLOBAL
    if (service, operation) == ("logs", "tail"):  # the CLI's own
        assert options <= {"--since", "--format", "--filter-pattern"}
        return
    model: Any = botocore.session.get_session().get_service_model(service)
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    if operation == "wait":
        waiters = botocore.session.get_session().get_waiter_model(service).waiter_names
        assert rest[0] in {xform_name(name, "-") for name in waiters}
        return
    members = model.operation_model(operations[operation]).input_shape.members
    assert options <= {f"--{xform_name(name, '-')}" for name in members}


@pytest.mark.parametrize("command", commands("providers"))
def test_every_providers_command_exists(command: str) -> None:
    """The command and its options, from the program itself."""
    found: click.Command = app
    for word in command.split():
        if isinstance(found, click.Group):
            named = found.get_command(click.Context(found), word)
            assert named, word
            found = named
    assert set(_OPTION.findall(command)) <= {each for parameter in found.params for each in parameter.opts}


@pytest.mark.parametrize("target", sorted({each.split()[0] for each in commands("make")}))
def test_every_make_target_exists(target: str) -> None:
    """As the Makefile declares them."""
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_every_output_resource_and_parameter_exists() -> None:
    """What the page takes from the stack, the template has."""
    template = Template().content
    nested = Template(ROOT / "notifications" / "template.yaml").content
    assert (
        set(re.findall(r"(?<![-\w])output ([A-Z]\w+)", code())) <= template["Outputs"].keys() | nested["Outputs"].keys()
    )
    assert set(re.findall(r"(?<![-\w])resource ([A-Z]\w+)", code())) <= template["Resources"].keys()
    spans = re.findall(r"`([A-Z][a-z]\w+?)(?:=\w+)?`", PAGE)
    known = {*template["Parameters"], "DataPlanePolicy", "SweepLag"}
    known |= {"AccessDeniedException", "ResourceNotFoundException", "Decrypt", "Enabled"}  # AWS's
    assert set(spans) <= known


def test_the_recovery_periods_are_the_templates() -> None:
    """The page says for how long backups keep what was deleted; DynamoDB's default is 35 days."""
    tables = Template().of_type("AWS::DynamoDB::Table")
    days = {
        name: table["PointInTimeRecoverySpecification"].get("RecoveryPeriodInDays", 35)
        for name, table in tables.items()
    }
    assert days == {"MainTable": 35, "SecretsTable": 7}
    assert "the main table for 35 days, and of the secrets table for 7 days" in " ".join(PAGE.split())


def test_the_costs_are_those_of_the_formulas_and_the_measured_units() -> None:
    """`python -m tests.kit.costs` writes them, from the units of a probe in docs/bench.md."""
    assert page(PAGE) == PAGE
    assert table() in PAGE


def test_ten_thousand_providers_cost_what_their_units_cost() -> None:
    """432 million probes a month: $270 for a write unit each, $54 for a read unit each."""
    dollars = {row.name: row.dollars[1] for row in rows()}
    writes, reads = units()
    assert dollars["writes"] == pytest.approx(270 * writes)
    assert dollars["reads"] == pytest.approx(54 * reads)
