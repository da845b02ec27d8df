"""The keys that are found in a .env file, and the results of importing them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from local.stack import Stack
from local.vendors.keys import fake_key
from providers_client.cli.envfile import read
from tests.client.canned import KEY
from tests.client.conftest import Commands

OPENAI, ANTHROPIC, GROQ = fake_key("openai"), fake_key("anthropic"), fake_key("groq")
GOOGLE, AZURE, FIREWORKS = fake_key("google"), fake_key("azure"), fake_key("fireworks")
AWS_ID, AWS_SECRET, AWS_REGION = fake_key("bedrock").split("::")
SESSION_ID, _, _, SESSION_TOKEN = fake_key("bedrock", "valid-session").split("::")
BEDROCK_KEY = "ABSK" + "FAKEEXAMPLE" * 11 + "FAKE"
HEX = "0123456789abcdef" * 2
URL = "https://acme.openai.azure.com"

FOUND = [
    ({"OPENAI_API_KEY": OPENAI}, ("openai", "OpenAI", OPENAI, None)),
    ({"WHATEVER": OPENAI}, ("openai", "OpenAI whatever", OPENAI, None)),
    ({"OPENAI_API_KEY": GROQ}, ("groq", "Groq", GROQ, None)),
    ({"AZURE_API_KEY_EU": HEX, "AZURE_API_BASE_EU": URL}, ("azure", "Azure eu", HEX, URL)),
    ({"TEAM_A_CLAUDE_API_KEY_STAGING": ANTHROPIC}, ("anthropic", "Anthropic team a staging", ANTHROPIC, None)),
    ({"GEMINI_API_KEY": GOOGLE}, ("google", "Google", GOOGLE, None)),
    ({"GROQ_API_KEY": GROQ}, ("groq", "Groq", GROQ, None)),
    ({"FIREWORKS_API_KEY": FIREWORKS}, ("fireworks", "Fireworks", FIREWORKS, None)),
    ({"AZURE_OPENAI_API_KEY": AZURE, "AZURE_OPENAI_ENDPOINT": URL}, ("azure", "Azure", AZURE, URL)),
    ({"AZURE_OPENAI_API_KEY": HEX, "AZURE_OPENAI_ENDPOINT": URL}, ("azure", "Azure", HEX, URL)),
    ({"EU_AZURE_API_KEY": HEX, "EU_AZURE_API_BASE": URL}, ("azure", "Azure eu", HEX, URL)),
    (
        {"OPENAI_API_KEY": OPENAI, "OPENAI_BASE_URL": "https://x.example.com/v1"},
        ("openai", "OpenAI", OPENAI, "https://x.example.com/v1"),
    ),
    (
        {"AWS_ACCESS_KEY_ID": AWS_ID, "AWS_SECRET_ACCESS_KEY": AWS_SECRET, "AWS_REGION": AWS_REGION},
        ("bedrock", "Bedrock", f"{AWS_ID}::{AWS_SECRET}::{AWS_REGION}", None),
    ),
    (
        {
            "PROD_AWS_ACCESS_KEY_ID": SESSION_ID,
            "PROD_AWS_SECRET_ACCESS_KEY": AWS_SECRET,
            "PROD_AWS_SESSION_TOKEN": SESSION_TOKEN,
            "AWS_DEFAULT_REGION": AWS_REGION,
        },
        ("bedrock", "Bedrock prod", f"{SESSION_ID}::{AWS_SECRET}::{AWS_REGION}::{SESSION_TOKEN}", None),
    ),
    (
        {"AWS_BEARER_TOKEN_BEDROCK": BEDROCK_KEY, "AWS_REGION": AWS_REGION},
        ("bedrock", "Bedrock", f"{BEDROCK_KEY}::{AWS_REGION}", None),
    ),
]
PROBLEMS = [
    ({"AZURE_OPENAI_API_KEY": AZURE}, "azure", "AZURE_OPENAI_ENDPOINT"),
    ({"AWS_ACCESS_KEY_ID": AWS_ID, "AWS_REGION": AWS_REGION}, "bedrock", "AWS_SECRET_ACCESS_KEY is missing"),
    ({"AWS_ACCESS_KEY_ID": AWS_ID, "AWS_SECRET_ACCESS_KEY": AWS_SECRET}, "bedrock", "AWS_REGION is missing"),
    ({"OPENAI_API_KEY": OPENAI, "OPENAI_BASE_URL": "http://["}, "openai", "OPENAI_BASE_URL is not a URL"),
]
UNKNOWN = [
    ("DEEPSEEK_API_KEY", "sk-FAKEEXAMPLEFAKEEXAMPLE"),
    ("LANGFUSE_SECRET_KEY", "sk-lf-FAKEEXAMPLEFAKEEXAMPLE"),
    ("OPENROUTER_API_KEY", "sk-or-v1-FAKEEXAMPLEFAKEEXAMPLE"),
    ("STRIPE_SECRET_KEY", "sk_test_FAKEEXAMPLE"),
    ("GOOGLE_MAPS_API_KEY", GOOGLE),
    ("FIREBASE_KEY", GOOGLE),
    ("SESSION_SECRET", HEX),
    ("DIGEST", HEX),
    ("ANTHROPIC_API_KEY", "user_provided"),
    ("GOOGLE_API_KEY", "596620849393"),
    ("OPENAI_API_KEY", "two words"),
    ("OPENAI_API_KEY", "unlike-any-other"),
    ("OPENAI_WEBHOOK_SECRET", "whsec_FAKEEXAMPLEFAKEEXAMPLE"),
    ("AZURE_CLIENT_SECRET", "FAKE8Q~EXAMPLE.FAKE-EXAMPLE_FAKE-EXAMPLE"),
    ("AZURE_CLIENT_SECRET", HEX),
    ("AZURE_STORAGE_KEY", HEX),
    ("AZURE_SEARCH_API_KEY", HEX),
    ("AZURE_OPENAI_API_KEY", "FAKE"),
    ("OPENAI_API_KEY", GOOGLE),
    ("GROQ_API_KEY", "sk-FAKEEXAMPLEFAKEEXAMPLE"),
    ("AWS_ACCESS_KEY_ID", "user_provided"),
    ("AWS_BEARER_TOKEN_BEDROCK", "changeme"),
]
REFERENCES = [
    ("op://vault/openai/key", "1Password"),
    ("vault:secret/data/openai#key", "HashiCorp Vault"),
    ("arn:aws:secretsmanager:us-east-1:123456789012:secret:openai-FAKE", "AWS Secrets Manager"),
    ("arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:x", "AWS Secrets Manager"),
    ("aws-sm://openai", "AWS Secrets Manager"),
    ("ref+awssecrets://openai", "AWS Secrets Manager"),
    ("{{resolve:secretsmanager:openai}}", "AWS Secrets Manager"),
    ("ssm:/prod/openai", "AWS Parameter Store"),
    ("arn:aws:ssm:us-east-1:123456789012:parameter/openai", "AWS Parameter Store"),
    ("projects/acme/secrets/openai/versions/latest", "Google Secret Manager"),
    ("gcp-sm://acme/openai", "Google Secret Manager"),
    ("sm://acme/openai", "Google Secret Manager"),
    ("@Microsoft.KeyVault(SecretUri=https://acme.vault.azure.net/secrets/openai)", "Azure Key Vault"),
    ("https://acme.vault.azure.net/secrets/openai", "Azure Key Vault"),
    ("doppler://acme/prod/OPENAI", "Doppler"),
    ("infisical://acme/OPENAI", "Infisical"),
    ("bws://0000", "Bitwarden"),
    ("encrypted:BFAKEEXAMPLE", "dotenvx"),
    ("ENC[AES256_GCM,data:FAKE]", "SOPS"),
    ("/run/secrets/openai", "a file"),
    ("${OTHER}", "another variable"),
    ("$OTHER", "another variable"),
    ("${{ secrets.OPENAI }}", "another variable"),
    ("%OTHER%", "another variable"),
    ("$(op read op://vault/openai/key)", "a command"),
    ("`pass openai`", "a command"),
    ("{{ openai }}", "another secret manager"),
]
OTHERS = [
    ("OPENAI_ORG_ID", "org-FAKE"),
    ("OPENAI_MODEL", "gpt-5"),
    ("AWS_REGION", "us-east-1"),
    ("OPENAI_API_KEY", ""),
    ("DEBUG", "true"),
]


def env(values: dict[str, str]) -> str:
    """Return the text of a .env file."""
    return "".join(f"{name}={json.dumps(value)}\n" for name, value in values.items())


@pytest.mark.parametrize(
    ("key", "endpoint"),
    [
        ("OPENAI_API_KEY", "OPENAI_API_BASE_URL"),  # Open WebUI's name
        ("OPENAI_API_KEY", "OPENAI_API_URL"),
        ("openai_api_key", "openai_base_url"),
        ("OPENAI_API_KEY", "openai_base_url"),
        ("OPENAI_AUTH_TOKEN", "OPENAI_BASE_URL"),  # like Claude Code's own
    ],
)
def test_a_key_with_an_endpoint_is_for_that_endpoint(key: str, endpoint: str) -> None:
    found = read(env({key: OPENAI, endpoint: "https://gateway.example.com/v1"})).found
    assert [each.foreign_host for each in found] == ["gateway.example.com"]


@pytest.mark.parametrize("value", ["gateway.example.com/v1", "localhost:4000", "${GATEWAY}/v1"])
def test_a_key_with_an_invalid_endpoint_is_not_sent(value: str) -> None:
    (found,) = read(env({"OPENAI_API_KEY": OPENAI, "OPENAI_BASE_URL": value})).found
    assert found.problem == "OPENAI_BASE_URL is not a URL"


def test_the_scheme_of_an_endpoint_ignores_case() -> None:
    (found,) = read(env({"OPENAI_API_KEY": OPENAI, "OPENAI_BASE_URL": "HTTPS://gateway.example.com/v1"})).found
    assert found.foreign_host == "gateway.example.com"


@pytest.mark.parametrize(("values", "expected"), FOUND, ids=[" ".join(row[0]) for row in FOUND])
def test_credentials_are_recognized(values: dict[str, str], expected: tuple[str, str, str, str | None]) -> None:
    """A credential is recognized by its form, its variable's name or as a group of variables, which are all used."""
    contents = read(env(values))
    (found,) = contents.found
    assert (found.vendor, found.name, found.secret.reveal(), found.base_url) == expected
    assert found.problem is None
    assert set(found.variables) == set(values)
    assert contents.unknown == contents.others == []
    assert found.secret.reveal() not in repr(contents)


@pytest.mark.parametrize(("values", "vendor", "problem"), PROBLEMS, ids=[row[2] for row in PROBLEMS])
def test_incomplete_credentials_are_reported(values: dict[str, str], vendor: str, problem: str) -> None:
    """An incomplete credential is reported before anything is sent."""
    (found,) = read(env(values)).found
    assert found.vendor == vendor
    assert problem in (found.problem or "")


@pytest.mark.parametrize(("name", "value"), UNKNOWN, ids=[f"{row[0]} {row[1][:12]}" for row in UNKNOWN])
def test_keys_of_other_services_are_not_sent(name: str, value: str) -> None:
    """A value in a form that several services share is not sent without a matching name; its variable is listed."""
    contents = read(env({name: value}))
    assert contents.found == []
    assert contents.unknown == [name]


@pytest.mark.parametrize(("value", "manager"), REFERENCES, ids=[row[0] for row in REFERENCES])
@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "AZURE_OPENAI_KEY", "AWS_ACCESS_KEY_ID"])
def test_a_reference_to_a_secret_is_named(name: str, value: str, manager: str) -> None:
    """A reference to a secret manager is not a key in any variable, and is never sent."""
    contents = read(env({name: value, "AZURE_OPENAI_ENDPOINT": URL, "AWS_SECRET_ACCESS_KEY": value}))
    assert contents.found == []
    assert contents.references[name] == manager
    assert name in contents.unknown


UNREADABLE = [
    ('OPENAI_API_KEY="unclosed\n', [1]),
    (f"\n# a comment\n\n{OPENAI}\nA=b\n", [4]),
    (f"A=b\n{GROQ}=\n", [2]),
    ("A=b\nthis is no assignment\n\n\nwhat: yaml\n", [2, 5]),
    ("export A\nB=\n\r\nC='x' # fine\n", []),
]


@pytest.mark.parametrize(("text", "lines"), UNREADABLE)
def test_malformed_lines_are_reported(text: str, lines: list[int]) -> None:
    """The numbers of malformed lines are reported; a key alone on a line is not used as a name."""
    contents = read(text)
    assert contents.unreadable == lines
    assert OPENAI not in repr(contents)
    assert GROQ not in repr(contents)


@pytest.mark.parametrize(("name", "value"), OTHERS, ids=[row[0] for row in OTHERS])
def test_other_variables_are_only_counted(name: str, value: str) -> None:
    """Settings and empty variables are only counted."""
    contents = read(env({name: value}))
    assert (contents.found, contents.unknown, contents.others) == ([], [], [name])


def test_invisible_characters_around_a_value_are_cut_off() -> None:
    """Invisible characters that were copied with a value are removed."""
    (found,) = read(f"OPENAI_API_KEY=\u200b{OPENAI}\ufeff\n").found
    assert (found.secret.reveal(), found.problem) == (OPENAI, None)


def test_regions_of_every_partition_are_recognized() -> None:
    """Regions of every partition are recognized: `eusc-de-east-1` begins with four letters."""
    values = {"AWS_ACCESS_KEY_ID": AWS_ID, "AWS_SECRET_ACCESS_KEY": AWS_SECRET, "AWS_REGION": "eusc-de-east-1"}
    (found,) = read(env(values)).found
    assert (found.secret.reveal(), found.problem) == (f"{AWS_ID}::{AWS_SECRET}::eusc-de-east-1", None)


def test_the_forms_of_a_line() -> None:
    """Quotes, `export`, comments and carriage returns are read as by other tools; nothing is interpolated."""
    text = f"# {GROQ}\r\nexport GROQ_API_KEY='{GROQ}' # mine\r\nOPENAI_API_KEY=${{HOME}}{'x' * 20}\r\n"
    contents = read(text)
    assert [each.secret.reveal() for each in contents.found] == [GROQ]
    assert contents.references == {"OPENAI_API_KEY": "another variable"}


EIGHT = {
    "OPENAI_API_KEY": OPENAI,
    "OPENAI_API_KEY_STAGING": fake_key("openai", "invalid"),
    "ANTHROPIC_API_KEY": ANTHROPIC,
    "CLAUDE_API_KEY": ANTHROPIC,
    "AWS_ACCESS_KEY_ID": AWS_ID,
    "AWS_SECRET_ACCESS_KEY": AWS_SECRET,
    "AWS_REGION": AWS_REGION,
    "AZURE_OPENAI_API_KEY": AZURE,
    "AZURE_OPENAI_ENDPOINT": "https://acme.openai.azure.com/",
    "GROQ_API_KEY": fake_key("groq", "invalid"),
    "STRIPE_SECRET_KEY": "sk_test_FAKEEXAMPLE",
    "DEBUG": "true",
}
"""Eight keys: seven of five vendors, two of them invalid and one a duplicate, and one of another service."""

RESULTS = {
    "OPENAI_API_KEY": "added",
    "OPENAI_API_KEY_STAGING": "refused",
    "ANTHROPIC_API_KEY": "added",
    "CLAUDE_API_KEY": "duplicate",
    "AWS_ACCESS_KEY_ID": "added",
    "AZURE_OPENAI_API_KEY": "added",
    "GROQ_API_KEY": "refused",
}


def secrets() -> list[str]:
    """Return every value that must not be shown."""
    return [value for name, value in EIGHT.items() if name not in ("AWS_REGION", "AZURE_OPENAI_ENDPOINT", "DEBUG")]


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A file with the eight keys."""
    path = tmp_path / ".env"
    path.write_text(env(EIGHT))
    return str(path)


def test_a_file_of_eight_keys(providers: Commands, file: str) -> None:
    """Four keys are added, two refused, one is a duplicate, one is not recognized; the exit code is 1."""
    done = providers("import", file, "--yes")
    assert done.code == 1
    rows = {line.split()[0]: line for line in done.out.splitlines() if line and line.split()[0] in RESULTS}
    assert {name: outcome for name, outcome in RESULTS.items() if outcome in rows[name]} == RESULTS
    assert "Not recognized: STRIPE_SECRET_KEY" in done.err
    assert "4 added, 2 refused, 1 duplicate" in done.err
    listed = {each["name"]: each["vendor"] for each in providers.ok("list", "--json").data}
    assert listed == {"OpenAI": "openai", "Anthropic": "anthropic", "Bedrock": "bedrock", "Azure": "azure"}
    for value in secrets():
        assert value not in "".join(providers.seen)
    assert not set(EIGHT) - {"DEBUG", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} & set(os.environ)


def test_the_same_as_json(providers: Commands, file: str) -> None:
    """A second import reports the keys as stored, and fails only for the refused ones."""
    done = providers("import", file, "--yes", "--json")
    assert {each["variables"][0]: each["result"] for each in done.data} == RESULTS
    assert json.loads(done.out)["not_recognized"] == ["STRIPE_SECRET_KEY"]
    again = providers("import", file, "--yes", "--json")
    assert {each["result"] for each in again.data} == {"already_stored", "refused", "duplicate"}
    assert (done.code, again.code) == (1, 1)
    ids = {each["variables"][0]: each["provider_id"] for each in done.data}
    assert all(each["provider_id"] == ids[each["variables"][0]] for each in again.data)
    skipped = ["--skip=OPENAI_API_KEY_STAGING", "--skip=GROQ_API_KEY"]
    third = providers.ok("import", file, "--yes", *skipped)
    assert "4 already stored" in third.err
    assert len(providers.ok("list", "--json").data) == 4


def test_a_dry_run_sends_nothing(file: str) -> None:
    """A dry run needs no API."""
    done = Commands({"PROVIDERS_API_URL": "", "PROVIDERS_FORCE_TTY": "160"}).ok("import", file, "--dry-run")
    assert done.out.count("to add") == 6
    assert all(value not in done.out + done.err for value in secrets())


def test_an_import_needs_confirmation(providers: Commands, file: str) -> None:
    """Nothing is sent if the person does not confirm."""
    assert providers("import", file, answers="n\n").code == 1
    assert providers.ok("list", "--json").data == []


def test_skipped_credentials_are_not_sent(providers: Commands, file: str) -> None:
    """A skipped credential is not a failure."""
    skipped = ["OPENAI_API_KEY_STAGING", "GROQ_API_KEY", "AWS_SECRET_ACCESS_KEY"]
    done = providers.ok("import", file, "--yes", "--json", *[f"--skip={name}" for name in skipped])
    outcomes = {each["variables"][0]: each["result"] for each in done.data}
    assert [outcomes[name] for name in ("OPENAI_API_KEY_STAGING", "GROQ_API_KEY", "AWS_ACCESS_KEY_ID")] == [
        "skipped"
    ] * 3


def test_an_invalid_management_key_ends_the_import(file: str, stack: Stack) -> None:
    """An invalid management key is one error, not eight."""
    run = Commands({"PROVIDERS_API_URL": stack.url, "PROVIDERS_API_KEY": KEY, "PROVIDERS_FORCE_TTY": "160"})
    done = run("import", file, "--yes")
    assert (done.code, done.err.count("invalid_api_key")) == (7, 1)


def test_a_renamed_provider_is_recognized_as_stored(providers: Commands, tmp_path: Path) -> None:
    """A stored key is recognized under another name, and no second provider is created."""
    path = tmp_path / ".env"
    path.write_text(env({"GROQ_API_KEY": GROQ, "GROQ_API_KEY_2": fake_key("groq", serial=2)}))
    providers.ok("import", str(path), "--yes")
    providers.ok("update", "Groq", "--name", "Renamed")
    done = providers.ok("import", str(path), "--yes")
    assert "as Renamed" in done.out
    assert "2 already stored" in done.err
    assert len(providers.ok("list", "--json").data) == 2


def test_another_key_with_the_same_hint_is_not_reported_as_stored(
    providers: Commands, stack: Stack, tmp_path: Path
) -> None:
    """Another key with the same vendor and last characters is added, or refused for a taken name, like any key."""
    assert stack.emulator is not None
    path = tmp_path / ".env"
    first, second = GROQ.replace("EXAMPLE", "ANOTHER", 1), GROQ
    stack.emulator.control(json.dumps({"vendor": "groq", "key": first, "case": "valid"}).encode())
    path.write_text(env({"GROQ_API_KEY": first}))
    providers.ok("import", str(path), "--yes")
    path.write_text(env({"GROQ_API_KEY": second}))
    (taken,) = providers("import", str(path), "--yes", "--json").data
    assert taken["result"] == "name_taken"
    path.write_text(env({"GROQ_API_KEY_B": second}))
    (added,) = providers.ok("import", str(path), "--yes", "--json").data
    assert (added["result"], added["name"]) == ("added", "Groq b")


def test_malformed_lines_exit_with_1(providers: Commands, tmp_path: Path) -> None:
    """The other lines are imported; the malformed ones are reported by number, in JSON too."""
    path = tmp_path / ".env"
    path.write_text(f"GROQ_API_KEY={GROQ}\n{OPENAI}\n")
    done = providers("import", str(path), "--yes")
    assert (done.code, "1 added" in done.err) == (1, True)
    assert "Line 2 is not of the form NAME=VALUE" in done.err
    again = providers("import", str(path), "--yes", "--json")
    assert (again.code, json.loads(again.out)["unreadable_lines"]) == (1, [2])
    assert OPENAI not in done.out + done.err + again.out + again.err


def test_references_are_listed_and_do_not_fail(providers: Commands, tmp_path: Path) -> None:
    """References are listed, are not sent, and do not fail the import."""
    path = tmp_path / ".env"
    path.write_text(env({"OPENAI_API_KEY": "op://vault/openai/key", "ANTHROPIC_API_KEY": "user_provided"}))
    done = providers.ok("import", str(path), "--yes")
    assert "Not recognized: OPENAI_API_KEY (a reference to 1Password), ANTHROPIC_API_KEY" in done.err
    found = json.loads(providers.ok("import", str(path), "--yes", "--json").out)
    assert (found["data"], found["references"]) == ([], {"OPENAI_API_KEY": "1Password"})


def test_a_foreign_host_is_shown_and_must_be_allowed(providers: Commands, stack: Stack, tmp_path: Path) -> None:
    """A foreign host needs --allow-host or a confirmation; --yes is not enough."""
    assert stack.emulator is not None
    host = stack.emulator.url.removeprefix("http://")
    path = tmp_path / ".env"
    path.write_text(env({"OPENAI_API_KEY": OPENAI, "OPENAI_BASE_URL": f"http://{host}/openai/v1"}))
    warning = f"OPENAI_API_KEY would be sent to {host}, which is not a host of OpenAI."
    requests = stack.emulator.requests
    for arguments, answers in [
        (["--yes"], None),
        (["--dry-run"], None),
        ([], "n\n"),
        (["--allow-host", "x.example"], "n\n"),
    ]:
        done = providers("import", str(path), *arguments, answers=answers)
        assert (done.code, warning in done.err) == (1, True), arguments
    (refused,) = providers("import", str(path), "--yes", "--json").data
    assert (refused["result"], refused["foreign_host"], refused["code"]) == ("foreign_host", host, "host_not_allowed")
    assert stack.emulator.requests == requests
    done = providers.ok("import", str(path), answers="y\ny\n")
    assert done.err.index(warning) < done.err.index(f"Send it to {host}?") < done.err.index("1 added")
    providers.ok("rm", "OpenAI", "--yes")
    assert warning in providers.ok("import", str(path), "--yes", "--allow-host", host).err


def test_only_small_regular_files_are_read(tmp_path: Path) -> None:
    """Pipes, devices, folders and huge files are refused at once without echoing the path, for every file option."""
    pipe, huge = tmp_path / "pipe-FAKE", tmp_path / "huge-FAKE"
    os.mkfifo(pipe)
    with huge.open("wb") as file:
        file.truncate(2 * 1024 * 1024)
    run = Commands({"PROVIDERS_API_URL": "https://a.example.com", "PROVIDERS_API_KEY": KEY})
    for path, reason in [
        (str(pipe), "is not a regular file"),
        ("/dev/zero", "is not a regular file"),
        (str(tmp_path), "Is a directory"),
        (str(huge), "is larger than 1024 KiB"),
        (OPENAI, "No such file"),
    ]:
        for arguments in (
            ["import", path],
            ["add", "openai", "A", "--key-file", path],
            ["--management-key-file", path, "list"],
        ):
            done = run(*arguments)
            assert (done.code, reason in " ".join(done.err.split())) == (2, True), (arguments, done.err)
            assert path not in done.err


def test_a_mistyped_skip_sends_nothing(providers: Commands, file: str) -> None:
    """A mistyped --skip is an error that does not echo the name; otherwise the key would be sent."""
    done = providers("import", file, "--yes", "--skip=OPENAI_API_KEY_STAGNG")
    assert (done.code, "--skip names a variable that the file does not have" in done.err) == (2, True)
    assert "STAGNG" not in done.out + done.err
    assert providers.ok("list", "--json").data == []
