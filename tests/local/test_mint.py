"""Minting a management key for a deployed stack."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from local.mint import main
from local.template import Template
from providers.bootstrap import Dependencies, Settings
from providers.model.provider import Scope
from providers.usecases.management_keys import authenticate


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dependencies]:
    """A stack in moto that has the outputs of ours, and its ports."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        dynamodb = boto3.client("dynamodb")
        for table in Template().tables.values():
            dynamodb.create_table(**table)
        key_id = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
        values = {"MainTableName": "MainTable", "SecretsTableName": "SecretsTable", "KmsKeyId": key_id}
        template = {
            "Resources": {"Nothing": {"Type": "AWS::SQS::Queue"}},
            "Outputs": {name: {"Value": value} for name, value in values.items()},
        }
        boto3.client("cloudformation").create_stack(StackName="providers-api", TemplateBody=json.dumps(template))
        environment = {"MAIN_TABLE": "MainTable", "SECRETS_TABLE": "SecretsTable", "KMS_KEY_ID": key_id}
        yield Dependencies(Settings.from_environment(environment))


def test_a_minted_key_opens_the_stack(deployed: Dependencies, capsys: pytest.CaptureFixture[str]) -> None:
    """The printed token authenticates its organization with the scopes asked for; a second key opens it as well."""
    assert main(["--stack", "providers-api", "--org", "org_acme", "--scope", "providers:read"]) == 0
    caller = authenticate(deployed, f"Bearer {capsys.readouterr().out.strip()}")
    assert (caller.key.org, list(caller.key.scopes)) == ("org_acme", [Scope.PROVIDERS_READ])
    assert main(["--stack", "providers-api", "--org", "org_acme"]) == 0
    assert authenticate(deployed, f"Bearer {capsys.readouterr().out.strip()}").key.scopes == set(Scope)


@pytest.mark.usefixtures("deployed")
def test_a_stack_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, and nothing on standard output that could pass for a key."""
    assert main(["--stack", "nothing", "--org", "org_acme"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "no key was minted" in err


@pytest.mark.parametrize("org", ["", "a b", "org#x", "é", "x" * 65])
def test_organizations_that_cannot_be(org: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An organization's name is part of keys in the table, so its characters are few."""
    with pytest.raises(SystemExit):
        main(["--stack", "providers-api", "--org", org])
    assert "--org" in capsys.readouterr().err
