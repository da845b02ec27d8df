"""What is found in a .env file, and what becomes of it."""

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
    ({"OPENAI_API_KEY": "unlike-any-other"}, ("openai", "OpenAI", "unlike-any-other", None)),
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
    ({"AWS_ACCESS_KEY_ID": AWS_ID, "AWS_REGION": AWS_REGION}, "bedrock", "no AWS_SECRET_ACCESS_KEY"),
    ({"AWS_ACCESS_KEY_ID": AWS_ID, "AWS_SECRET_ACCESS_KEY": AWS_SECRET}, "bedrock", "no AWS_REGION"),
    ({"OPENAI_API_KEY": "two words"}, "openai", "white space"),
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
]
OTHERS = [
    ("OPENAI_ORG_ID", "org-FAKE"),
    ("OPENAI_MODEL", "gpt-5"),
    ("AWS_REGION", "us-east-1"),
    ("OPENAI_API_KEY", ""),
    ("DEBUG", "true"),
]


def env(values: dict[str, str]) -> str:
    """A .env file."""
    return "".join(f"{name}={json.dumps(value)}\n" for name, value in values.items())


@pytest.mark.parametrize(("values", "expected"), FOUND, ids=[" ".join(row[0]) for row in FOUND])
def test_what_is_recognized(values: dict[str, str], expected: tuple[str, str, str, str | None]) -> None:
    """By its form, by its name, or as a group; everything that it was made of is used."""
    contents = read(env(values))
    (found,) = contents.found
    assert (found.vendor, found.name, found.secret.reveal(), found.base_url) == expected
    assert found.problem is None
    assert set(found.variables) == set(values)
    assert contents.unknown == contents.others == []
    assert found.secret.reveal() not in repr(contents)


@pytest.mark.parametrize(("values", "vendor", "problem"), PROBLEMS, ids=[row[2] for row in PROBLEMS])
def test_what_is_not_complete(values: dict[str, str], vendor: str, problem: str) -> None:
    """It is told before anything is sent."""
    (found,) = read(env(values)).found
    assert found.vendor == vendor
    assert problem in (found.problem or "")


@pytest.mark.parametrize(("name", "value"), UNKNOWN, ids=[row[0] for row in UNKNOWN])
def test_what_another_service_uses_is_not_sent_to_a_vendor(name: str, value: str) -> None:
    """A form that several share is not enough; such a variable is named."""
    contents = read(env({name: value}))
    assert contents.found == []
    assert contents.unknown == [name]


@pytest.mark.parametrize(("name", "value"), OTHERS, ids=[row[0] for row in OTHERS])
def test_what_is_no_credential(name: str, value: str) -> None:
    """Settings and empty places are counted and no more."""
    contents = read(env({name: value}))
    assert (contents.found, contents.unknown, contents.others) == ([], [], [name])


def test_invisible_characters_around_a_value_are_cut_off() -> None:
    """They come along when it is copied into the file."""
    (found,) = read(f"OPENAI_API_KEY=\u200b{OPENAI}\ufeff\n").found
    assert (found.secret.reveal(), found.problem) == (OPENAI, None)


def test_a_region_of_any_partition_is_one() -> None:
    """`eusc-de-east-1` begins with four letters."""
    values = {"AWS_ACCESS_KEY_ID": AWS_ID, "AWS_SECRET_ACCESS_KEY": AWS_SECRET, "AWS_REGION": "eusc-de-east-1"}
    (found,) = read(env(values)).found
    assert (found.secret.reveal(), found.problem) == (f"{AWS_ID}::{AWS_SECRET}::eusc-de-east-1", None)


def test_the_forms_of_a_line() -> None:
    """Quotes, `export`, comments and carriage returns as other tools read them; nothing is interpolated."""
    text = f"# {GROQ}\r\nexport GROQ_API_KEY='{GROQ}' # mine\r\nOPENAI_API_KEY=${{HOME}}{'x' * 20}\r\n"
    first, second = read(text).found
    assert first.secret.reveal() == GROQ
    assert second.secret.reveal() == "${HOME}" + "x" * 20


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
"""Eight keys: of five vendors, two of them bad and one a duplicate, and one of something else."""

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
    """Every value that must not be shown."""
    return [value for name, value in EIGHT.items() if name not in ("AWS_REGION", "AZURE_OPENAI_ENDPOINT", "DEBUG")]


@pytest.fixture
def file(tmp_path: Path) -> str:
    """The eight keys in a file."""
    path = tmp_path / ".env"
    path.write_text(env(EIGHT))
    return str(path)


def test_a_file_of_eight_keys(providers: Commands, file: str) -> None:
    """Four are added, two refused, one is a duplicate, one is not recognized; the command ends with 1."""
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
    """A second run finds the names taken."""
    done = providers("import", file, "--yes", "--json")
    assert {each["variables"][0]: each["result"] for each in done.data} == RESULTS
    assert json.loads(done.out)["not_recognized"] == ["STRIPE_SECRET_KEY"]
    again = providers("import", file, "--yes", "--json")
    assert {each["result"] for each in again.data} == {"name_taken", "refused", "duplicate"}
    assert (done.code, again.code) == (1, 1)


def test_a_dry_run_sends_nothing(file: str) -> None:
    """It needs no API at all."""
    done = Commands({"PROVIDERS_API_URL": "", "COLUMNS": "160"}).ok("import", file, "--dry-run")
    assert done.out.count("to add") == 6
    assert all(value not in done.out + done.err for value in secrets())


def test_it_asks_first(providers: Commands, file: str) -> None:
    """No is no."""
    assert providers("import", file, stdin="n\n").code == 1
    assert providers.ok("list", "--json").data == []


def test_some_may_be_left_out(providers: Commands, file: str) -> None:
    """What is skipped is not a failure."""
    skipped = ["OPENAI_API_KEY_STAGING", "GROQ_API_KEY", "AWS_SECRET_ACCESS_KEY"]
    done = providers.ok("import", file, "--yes", "--json", *[f"--skip={name}" for name in skipped])
    outcomes = {each["variables"][0]: each["result"] for each in done.data}
    assert [outcomes[name] for name in ("OPENAI_API_KEY_STAGING", "GROQ_API_KEY", "AWS_ACCESS_KEY_ID")] == [
        "skipped"
    ] * 3


def test_a_management_key_that_is_not_good_ends_it(file: str, stack: Stack) -> None:
    """One error, not eight."""
    run = Commands({"PROVIDERS_API_URL": stack.url, "PROVIDERS_API_KEY": KEY, "COLUMNS": "160"})
    done = run("import", file, "--yes")
    assert (done.code, done.err.count("invalid_api_key")) == (7, 1)
