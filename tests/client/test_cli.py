"""The command line against the local stack."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from local.stack import Stack
from local.vendors.keys import fake_key
from providers_client.cli.arguments import arranged
from providers_client.cli.audit import change_of
from providers_client.sync import Client
from providers_contract.responses import AuditEntry
from providers_contract.vocabulary import Scope
from tests.client.canned import KEY, PROVIDER, PROVIDER_ID, Script, error, one, page
from tests.client.conftest import Commands, commands
from tests.client.test_calls import AUDIT, UPLOAD, VERSION

GOOD, OTHER, BAD = fake_key("openai"), fake_key("openai", serial=2), fake_key("openai", "invalid")


def added(providers: Commands, name: str = "OpenAI Production", key: str = GOOD) -> str:
    """Add a provider and return its id."""
    return str(providers.ok("add", "openai", name, "--key-stdin", "--json", stdin=key).data["id"])


def test_the_life_of_a_provider(providers: Commands, stack: Stack) -> None:
    """Every command works with a provider's name and id."""
    provider_id = added(providers)
    stack.ports.clock.now()
    listed = providers.ok("list").out
    assert "OpenAI Production" in listed
    assert "LAST HOUR" in listed
    assert "unknown" in providers.ok("get", "openai production").out
    rotated = providers.ok("rotate", "OpenAI Production", "--key-stdin", "--json", stdin=f"{OTHER}\n").data
    assert rotated["key_version"] == 2
    assert providers.ok("update", provider_id, "--name", "Other", "--disable", "--json").data["status"] == "disabled"
    assert "disabled" in providers.ok("list", "--status", "disabled").out
    assert "never checked" in providers.ok("health", "other").out
    providers.ok("routing", "put", "@prod", "--attempt", "Other=gpt-5", "--attempt", f"{provider_id}=gpt-4")
    assert "fallback" in providers.ok("routing", "list").out
    assert providers.ok("routing", "get", "@prod", "--json").data["attempts"][0] == {
        "provider_id": provider_id,
        "model": "gpt-5",
    }
    used = providers("rm", "Other", "--yes")
    assert (used.code, "@prod" in used.err) == (4, True)
    written = yaml.safe_load(providers.ok("routing", "litellm").out)
    assert written["litellm_settings"] == {"callbacks": ["providers_data_plane.integrations.litellm.callback"]}
    assert written["model_list"][1] == {
        "model_name": "@prod",
        "litellm_params": {"model": "openai/gpt-4", "order": 2},
        "model_info": {"provider_id": provider_id},
    }
    assert providers("routing", "rm", "@prod", answers="n\n").code == 1
    assert "Deleted" in providers.ok("routing", "rm", "@prod", answers="y\n").out
    assert providers.ok("rm", "Other", "--dry-run").out == f"Can be deleted: {provider_id}\n"
    assert "Delete Other (openai, key sk-proj-…" in providers.ok("rm", "Other", answers="y\n").err
    assert providers.ok("list").err == "No providers. `providers add` adds one.\n"


def test_the_console_is_opened_without_the_key(providers: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """`open` prints the console's address, or a provider's there, and opens it; the key is not in it."""
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    provider_id = added(providers)
    url = providers.environment["PROVIDERS_API_URL"]
    assert providers.ok("open").out == f"{url}/console\n"
    assert providers.ok("open", "OpenAI Production").out == f"{url}/console#/providers/{provider_id}\n"
    assert providers.ok("open", "--no-browser").out == f"{url}/console\n"
    assert opened == [f"{url}/console", f"{url}/console#/providers/{provider_id}"]


def test_json_equals_the_apis_response(providers: Commands, stack: Stack) -> None:
    """`--json` prints the API's `data` unchanged, for lists and single resources."""
    provider_id = added(providers)
    with httpx2.Client(base_url=stack.url, trust_env=False) as http:
        for arguments, path in [
            (("list",), "providers?limit=100"),
            (("get", provider_id), f"providers/{provider_id}"),
            (("health", provider_id), f"providers/{provider_id}/health?history=1h"),
            (("routing", "list"), "routing-configs"),
        ]:
            headers = {"authorization": f"Bearer {providers.environment['PROVIDERS_API_KEY']}"}
            response = http.get(f"/manage/v1/{path}", headers=headers).json()
            assert providers.ok(*arguments, "--json").data == response["data"], arguments


def test_a_chart_shows_the_probes(providers: Commands, stack: Stack) -> None:
    """A chart has bars for successful probes, crosses if all failed, and dots if there were none."""
    added(providers)
    providers.ok("add", "groq", "Groq", "--key-stdin", stdin=fake_key("groq"))
    assert stack.emulator is not None
    with httpx2.Client(base_url=stack.url, trust_env=False) as http:
        http.post("/_local/sweep", json={})
        http.post("/_local/vendors", json={"vendor": "groq", "key": fake_key("groq"), "case": "invalid"})
        for _ in range(5):
            http.post("/_local/sweep", json={})
    health = providers.ok("health", "groq").out
    assert "credential_rejected 5" in health
    assert "·█×××××" in health.replace("▇", "█")
    line = next(line for line in providers.ok("list").out.splitlines() if line.startswith("Groq"))
    assert "unhealthy" in line
    assert "×" in line
    assert "×" not in providers.ok("list", "--no-chart").out


def test_the_same_credential_twice_is_a_warning(providers: Commands) -> None:
    """A warning is printed on standard error, apart from the result."""
    added(providers)
    again = providers.ok("add", "openai", "Again", "--key-stdin", stdin=GOOD)
    assert "duplicate_credential" in again.err
    assert "duplicate_credential" not in again.out
    third = providers.ok("add", "openai", "Third", "--key-stdin", "--json", stdin=GOOD)
    assert json.loads(third.out)["warnings"][0]["code"] == "duplicate_credential"


WAYS: list[tuple[str, Callable[[Path], tuple[list[str], str | None, dict[str, str]]]]] = [
    ("standard input", lambda _: (["--key-stdin"], f"  {GOOD}\n", {})),
    ("standard input, with marks", lambda _: (["--key-stdin"], f"\ufeff\u200b{GOOD}\u00a0\u2060\n", {})),
    ("a variable", lambda _: (["--key-env", "MY_KEY"], None, {"MY_KEY": GOOD})),
    ("a variable, with marks", lambda _: (["--key-env", "MY_KEY"], None, {"MY_KEY": f"\u200e{GOOD}\ufeff"})),
    ("a file", lambda path: (["--key-file", str(path)], None, {})),
]


@pytest.mark.parametrize(("_way", "given"), WAYS, ids=[way for way, _ in WAYS])
def test_every_source_of_a_key_works(providers: Commands, tmp_path: Path, _way: str, given: Any) -> None:
    """A key can be read from standard input, a variable or a file, and is trimmed."""
    file = tmp_path / "key"
    file.write_text(f"\ufeff\u200b{GOOD}\u00a0\n", encoding="utf-8-sig")
    options, text, environment = given(file)
    assert "valid" in providers.ok("add", "openai", "A", *options, stdin=text, **environment).out
    providers.ok("rm", "A", "--yes")


USAGE: list[tuple[list[str], str | None, str]] = [
    (["add", "openai", "A"], None, "no terminal to prompt"),
    (["add", "openai", "A", "--key-stdin", "--key-env", "X"], GOOD, "use only one of"),
    (["add", "openai", "A", "--key-env", "NOT_SET"], None, "not set"),
    (["add", "openai", "A", "--key-env", GOOD], None, "not set"),
    (["add", "openai", "A", "--key-stdin"], " \n", "empty"),
    (["add", "openai", "A", "--key-stdin"], "\ufeff\u200b\n", "empty"),
    (["add", "openai", "A", "--key-stdin"], KEY, "management key"),
    (["add", "openai", "A", "--key-stdin"], f"\u200b{KEY}", "management key"),
    (["add", "openai", "A", "--key-file", "/nonexistent"], None, "cannot read the file of --key-file"),
    (["add", "openai", "A", GOOD], None, "more arguments than this command takes"),
    (["add", GOOD, "A"], None, "is not one of"),
    (["add", "acme", "A", "--key-stdin"], GOOD, "is not one of"),
    (["update", PROVIDER_ID], None, "nothing to change"),
    (["routing", "put", "@a", "--attempt", "gpt-5"], None, "PROVIDER=MODEL"),
    (["health", PROVIDER_ID, "--watch", "--json"], None, "--watch"),
    (["upload", "--vendor", "openai"], None, "--name"),
    (["import", "/nonexistent"], None, "cannot read"),
    (["keys", "list"], None, "--local"),
    (["keys", "revoke", "--local", KEY], None, "not the key"),
    (["--url", "http://example.com", "list"], None, "https://"),
    (["nonsense"], None, "No such command"),
    (["rm", PROVIDER_ID], None, "no terminal to confirm at; use --yes"),
    (["rm"], None, "Missing argument 'PROVIDER…'"),
    (["list", "--json=nme"], None, "--json has an unknown field; known: id, vendor, name, "),
    (["list", "--json", "id,nme"], None, "--json has an unknown field"),
    (["list", "--json", "--quiet"], None, "use either --json or --quiet"),
    (["list", "--url"], None, "Option '--url' requires an argument"),
    (["add", "opnai", "A"], None, "Did you mean 'openai'?"),
    (["list", "--health", "unhealty"], None, "Did you mean 'unhealthy'?"),
    (["routing", "lst"], None, "Did you mean 'list'?"),
    (["help", "rotat"], None, "Did you mean 'rotate'?"),
    (["help", "list", "list"], None, "more arguments than this command takes"),
]


@pytest.mark.parametrize(("arguments", "text", "expected"), USAGE, ids=[" ".join(row[0])[:30] for row in USAGE])
def test_usage_errors_exit_with_2(providers: Commands, arguments: list[str], text: str | None, expected: str) -> None:
    """A usage error exits with 2 and a message on standard error that repeats no key."""
    done = providers(*arguments, stdin=text)
    assert (done.code, done.out) == (2, "")
    assert expected in " ".join(done.err.split())
    assert GOOD not in done.err
    assert KEY not in done.err


@pytest.mark.parametrize("key", [GOOD, "fk" + "1a2B" * 8, KEY])
@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ("{}", "command"),
        ("--{}", "option"),
        ("--{}=x list", "option"),
        ("list --{}", "option"),
        ("list {}", "arguments"),
        ("list --vendor {}", "--vendor"),
        ("list --status={}", "--status"),
        ("list --limit {}", "--limit"),
        ("list --json={}", "--json"),
        ("list --json id,{}", "arguments"),
        ("list --url={}", "base URL"),
        ("list --management-key-file {}", "--management-key-file"),
        ("help {}", "command"),
        ("--profile {} list", "profile"),
        ("list --profile={}", "profile"),
        ("login --profile {}", "profile"),
        ("logout --profile {}", "profile"),
        ("whoami {}", "arguments"),
        ("rm {} --yes", "provider"),
        ("disable A {}", "provider"),
        ("enable --{}", "option"),
        ("get A --json --{}", "option"),
        ("destroy-version A {} --json", "VERSION"),
        ("rollback A --to={}", "--to"),
        ("data-keys {}", "command"),
        ("update A --key-expires-at={} --json", "--key-expires-at"),
        ("add {} A", "VENDOR"),
        ("add openai A --key-file={}", "--key-file"),
        ("add openai A --key-file {}/x", "--key-file"),
        ("add openai A --key-env {}", "--key-env"),
        ("add openai A --key-stdin --key-expires-at {}", "--key-expires-at"),
        ("get {}", "provider"),
        ("rotate {} --key-stdin", "provider"),
        ("health {}", "provider"),
        ("health A --history {}", "--history"),
        ("audit --provider {}", "provider"),
        ("routing {}", "command"),
        ("routing get {}", "routing config"),
        ("routing put {} --attempt A=b", "provider"),
        ("routing put @a --attempt {}=gpt-5", "provider"),
        ("import {}", "FILE"),
        ("--management-key-file {} list", "--management-key-file"),
        ("--url {} list", "base URL"),
        ("--url https://{} list", "base URL"),
        ("--url https://a.example.com/{} list", "base URL"),
        ("keys create --local --org A --expires-in {}", "--expires-in"),
        ("keys list --stack {}", "--stack"),
    ],
)
def test_an_error_names_the_input_and_does_not_repeat_it(
    providers: Commands, monkeypatch: pytest.MonkeyPatch, arguments: str, names: str, key: str
) -> None:
    """An error names the input and never repeats a misplaced key."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    if "https" in arguments and key.startswith("fk"):
        key = GOOD  # an ordinary word can be a host
    done = providers(*arguments.format(key).split(), stdin=GOOD)
    assert done.code != 0
    assert key not in done.err + done.out
    assert key.lower() not in (done.err + done.out).lower()
    assert names in done.err or "aws_failed" in done.err


@pytest.mark.parametrize("words", [(), ("keys",), ("data-keys",), ("routing",), ("events",), ("webhook",)])
def test_a_group_without_a_command_shows_its_help(words: tuple[str, ...]) -> None:
    """`providers` alone shows the commands."""
    assert Commands({})(*words).err.startswith(f"Usage: {' '.join(['providers', *words])} [OPTIONS] COMMAND")
    assert "Commands:" in Commands({})(*words).err


@pytest.mark.parametrize(
    ("word", "command"),
    [("ls", "list"), ("show", "get"), ("remove", "rm"), ("delete", "rm"), ("retire", "destroy-version")],
)
def test_usual_words_name_commands(word: str, command: str) -> None:
    """Words of other command lines are accepted for a command."""
    assert Commands({}).ok(word, "--help").out.startswith(f"Usage: providers {command} ")


def test_a_mistyped_word_is_repeated_with_a_suggestion() -> None:
    """A mistyped command or option that cannot be a key is repeated, with a suggestion."""
    run = Commands({})
    assert "No such command 'lst'. Did you mean 'list'?" in run("lst").err
    assert "'--limi'. Did you mean '--limit'?" in run("list", "--limi", "3").err
    assert "Did you mean" not in run("add", "nope", "A").err  # three letters in common with openai


def test_global_options_may_stand_anywhere(providers: Commands, stack: Stack) -> None:
    """The address can follow the command; after `--` it is an argument like any other."""
    bare = Commands(providers.environment | {"PROVIDERS_API_URL": ""})
    for arguments in (["--url", stack.url, "list"], ["list", "--url", stack.url], ["list", "-q", f"--url={stack.url}"]):
        bare.ok(*arguments)
    assert "add --url" in bare("get", "--", "--url").err


def test_the_arguments_of_another_program_are_left_alone() -> None:
    """The options after `exec` are not taken for this program's."""
    given = ["exec", "--provider", "A", "curl", "--url", "x", "--json", "a,b"]
    assert arranged(given) == (given, None)
    assert arranged(["exec", "--", "--url", "x"]) == (["exec", "--", "--url", "x"], None)
    assert arranged(["--url", "exec", "get", "exec", "--url=y"]) == (["--url", "exec", "--url=y", "get", "exec"], None)


def test_json_with_fields(canned: Callable[..., tuple[Commands, Script]]) -> None:
    """`--json=FIELD,…` prints these fields only, of one thing and of each in a list."""
    run, _ = canned(page([PROVIDER], None), one(PROVIDER), one(PROVIDER))
    assert run.ok("list", "--json", "id,health.state").data == [{"id": PROVIDER_ID, "health": {"state": "healthy"}}]
    assert run.ok("get", PROVIDER_ID, "--json=name,base_url").data == {"name": "OpenAI Production", "base_url": None}
    both = run.ok("get", PROVIDER_ID, "--json=health.state,health.reason").data
    assert both == {"health": {"state": "healthy", "reason": None}}


def test_quiet_prints_ids(canned: Callable[..., tuple[Commands, Script]]) -> None:
    """`-q` prints the ids alone, one for each line, and of an upload its link."""
    run, _ = canned(page([PROVIDER, PROVIDER], None), one(PROVIDER), one(PROVIDER), one(UPLOAD), page([], None))
    assert run.ok("list", "-q").out == f"{PROVIDER_ID}\n" * 2
    assert run.ok("update", PROVIDER_ID, "--name", "A", "-q").out == f"{PROVIDER_ID}\n"
    assert run.ok("rollback", PROVIDER_ID, "--quiet").out == f"{PROVIDER_ID}\n"
    link = run.ok("upload", PROVIDER_ID, "-q")
    assert (link.out, link.err) == (f"{UPLOAD['url']}\n", "")
    nothing = run.ok("list", "-q")
    assert nothing.out + nothing.err == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["list", "--limi", "--json"], "usage"),
        (["get", "--json"], "usage"),
        (["--json", "lst"], "usage"),
        (["list", "--status=x", "--json=id"], "usage"),
        (["rm", "a", "--json"], "configuration"),
    ],
)
def test_a_usage_error_is_json_with_json(arguments: list[str], code: str) -> None:
    """With `--json`, a usage error is JSON too."""
    done = Commands({"PROVIDERS_API_URL": "http://127.0.0.1:1", "PROVIDERS_API_KEY": KEY})(*arguments)
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, error["type"], error["code"]) == (2, "", "client_error", code)


def test_several_providers_at_once(providers: Commands) -> None:
    """`disable`, `enable` and `rm` take several; they go on after a failure, and exit with the first one's code."""
    ids = [added(providers, name, key) for name, key in (("A", GOOD), ("B", OTHER), ("C", GOOD))]
    assert providers.ok("disable", "a", ids[1]).out == "Disabled: A\nDisabled: B\n"
    assert providers("rm", "A", "B", answers="n\n").code == 1
    enabled = providers("enable", "nobody", "A", "B", "A", "--json")
    assert [each["status"] for each in enabled.data] == ["active", "active"]
    assert (enabled.code, json.loads(enabled.err)["error"]["message"][:12]) == (3, "argument 1: ")
    providers.ok("routing", "put", "@prod", "--attempt", "A=gpt-5")
    done = providers("delete", "A", "B", PROVIDER_ID, "c", answers="y\n")
    assert all(f"{name} (openai, key sk-proj-…" in done.err for name in "ABC")
    assert (done.code, done.out.count("Deleted: ")) == (3, 2)
    assert "provider_in_use" in done.err
    assert providers.ok("list", "-q").out == f"{ids[0]}\n"


def test_help_and_version_are_commands() -> None:
    """`help COMMAND` shows what `COMMAND --help` does; `version` shows the version."""
    run = Commands({})
    for words in (["list"], ["routing", "put"], ["delete"], ["routing", "delete"]):
        shown = run.ok("help", *words).out
        assert shown == run.ok(*words, "--help").out
    assert "Delete a routing config" in shown
    assert "No such command 'delete'" in run("keys", "delete").err
    assert run.ok("help").out == run.ok("--help").out
    assert run.ok("version").out == run.ok("--version").out


def test_missing_configuration_is_named() -> None:
    """The error names the missing environment variables."""
    bare = Commands({"PROVIDERS_API_URL": "", "PROVIDERS_API_KEY": ""})
    assert "PROVIDERS_API_KEY" in bare("list", PROVIDERS_API_URL="https://a.example.com").err
    assert "PROVIDERS_API_URL" in bare("list", PROVIDERS_API_KEY=KEY).err
    assert bare("list").code == 2


def test_the_management_key_may_be_in_a_file(providers: Commands, tmp_path: Path) -> None:
    """The management key can be read from a file."""
    file = tmp_path / "key"
    file.write_text(providers.environment["PROVIDERS_API_KEY"] + "\n")
    assert (
        providers.ok("--management-key-file", str(file), "list", PROVIDERS_API_KEY="").err
        == "No providers. `providers add` adds one.\n"
    )


def test_exit_codes_follow_the_error(providers: Commands, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each family of errors has its exit code, and the API's code is on standard error."""
    monkeypatch.setattr("time.sleep", lambda _: None)  # between the tries to connect
    added(providers, "Taken")
    reader = commands(stack, "org_reader", Scope.PROVIDERS_READ)
    wrong = Commands(providers.environment | {"PROVIDERS_API_KEY": KEY})
    nowhere = Commands(providers.environment | {"PROVIDERS_API_URL": "http://127.0.0.1:1"})
    add = ("add", "openai", "New", "--key-stdin")
    for run, arguments, key, code, expected in [
        (providers, ("get", PROVIDER_ID), None, 3, "provider_not_found"),
        (providers, ("get", "nobody"), None, 3, "provider_not_found"),
        (providers, ("add", "openai", "taken", "--key-stdin"), OTHER, 4, "name_taken"),
        (providers, add, BAD, 5, "credential_rejected"),
        (providers, add, f"{GOOD} {GOOD}", 5, "credential_format"),
        (providers, ("add", "azure", "New", "--key-stdin"), fake_key("azure"), 1, "base_url_required"),
        (providers, ("add", "openai", "x" * 81, "--key-stdin"), OTHER, 1, "validation_failed"),
        (reader, add, OTHER, 7, "insufficient_scope"),
        (wrong, ("list",), None, 7, "invalid_api_key"),
        (nowhere, ("list",), None, 6, "connection_failed"),
    ]:
        done = run(*arguments, stdin=key)
        assert (done.code, done.out) == (code, ""), arguments
        assert expected in done.err
        as_json = run(*arguments, "--json", stdin=key)
        assert (as_json.code, json.loads(as_json.err)["error"]["code"]) == (code, expected)


def test_the_help_and_the_documentation_list_the_exit_codes() -> None:
    """The help and docs/cli.md list every exit code."""
    done = Commands({"COLUMNS": "200"}).ok("--help").out
    assert "7 the management key is unknown, revoked or expired" in " ".join(done.split())


def test_versions_and_rollback(canned: Callable[..., tuple[Commands, Script]]) -> None:
    """The table shows which versions are safe to revoke; a rollback names its version."""
    run, script = canned(
        one([VERSION, VERSION | {"number": 3, "active": True}]), one(PROVIDER), error(404, "version_not_found")
    )
    table = run.ok("versions", PROVIDER_ID).out
    assert "active " in table
    assert "yes" in table
    assert "Rolled back: OpenAI Production" in run.ok("rollback", PROVIDER_ID, "--to", "2").out
    assert json.loads(script.seen[1].content) == {"version": 2}
    assert run("rollback", PROVIDER_ID).code == 3


def test_versions_rollback_and_audit_of_the_stack(providers: Commands) -> None:
    """Over the real API, a rollback to version 1 creates version 3, and the audit trail has three changes."""
    added(providers, "A")
    providers.ok("rotate", "A", "--key-stdin", stdin=OTHER)
    assert [each["number"] for each in providers.ok("versions", "A", "--json").data] == [2, 1]
    assert providers.ok("rollback", "A", "--json").data["key_version"] == 3
    assert providers("rollback", "A", "--to", "9").code == 3
    assert providers("destroy-version", "A", "2", answers="n\n").code == 1
    assert "Destroyed: version 2" in providers.ok("destroy-version", "A", "2", answers="y\n").out
    assert providers.ok("versions", "A", "--json").data[1]["number"] == 1
    assert providers("destroy-version", "A", "2", "--yes").code == 3
    assert providers("destroy-version", "A", "3", "--yes").code == 4
    changes = providers.ok("audit", "--provider", "A").out
    assert "key_version: 2 → 3" in changes
    assert "base_url" not in changes
    assert providers.ok("upload", "A").out.startswith("http://127.0.0.1:")


def test_what_was_created_is_listed_without_arrows() -> None:
    """A new resource has no values before, and one that was deleted none after: only the others are listed."""
    values: dict[str, Any] = {"name": "A", "tags": [], "base_url": None, "key_version": 1}
    created = AuditEntry.model_validate(AUDIT | {"before": None, "after": values})
    deleted = AuditEntry.model_validate(AUDIT | {"before": values, "after": None})
    assert change_of(created) == change_of(deleted) == "name: A, key_version: 1"


def test_audit(canned: Callable[..., tuple[Commands, Script]]) -> None:
    """The audit trail shows who changed which field, from which value to which."""
    run, script = canned(page([AUDIT], None), page([], None))
    assert "key_version: 2 → 3" in run.ok("audit", "--provider", PROVIDER_ID, "--by", "k1").out
    assert dict(script.seen[0].url.params) == {"limit": "50", "resource_id": PROVIDER_ID, "key_id": "k1"}
    assert run.ok("audit").err == "No changes.\n"


def test_when_a_key_expires(canned: Callable[..., tuple[Commands, Script]]) -> None:
    """A key's expiry can be set and removed alone."""
    run, script = canned(one(PROVIDER), one(PROVIDER))
    run.ok("update", PROVIDER_ID, "--key-expires-at", "2099-01-01")
    run.ok("update", PROVIDER_ID, "--no-key-expires-at")
    sent = [json.loads(each.content) for each in script.seen]
    assert sent == [{"key_expires_at": "2099-01-01T00:00:00Z"}, {"key_expires_at": None}]
    assert run("update", PROVIDER_ID, "--no-key-expires-at", "--key-expires-at", "2099-01-01").code == 2


def test_tags(canned: Callable[..., tuple[Commands, Script]]) -> None:
    """Tags can be set, replaced, removed and shown, and a list filtered by tag and part of the name."""
    run, script = canned(one(PROVIDER), one(PROVIDER), one(PROVIDER), page([PROVIDER], None))
    assert "tags         production" in run.ok("update", PROVIDER_ID, "--tag", "a", "--tag", "b c").out
    run.ok("update", PROVIDER_ID, "--no-tags")
    run.ok("add", "openai", "A", "--key-stdin", "--tag", "a", stdin="sk-proj-FAKE-valid-EXAMPLE-1")
    sent = [json.loads(each.content).get("tags") for each in script.seen]
    assert sent == [["a", "b c"], [], ["a"]]
    run.ok("list", "--name", "prod", "--tag", "a", "--no-chart")
    assert dict(script.seen[-1].url.params) == {"limit": "100", "name": "prod", "tag": "a"}
    assert run("update", PROVIDER_ID, "--no-tags", "--tag", "a").code == 2


def test_upload(canned: Callable[..., tuple[Commands, Script]]) -> None:
    """Standard output contains only the link."""
    run, script = canned(one(UPLOAD), one(UPLOAD))
    assert run.ok("upload", "--vendor", "openai", "--name", "A").out == f"{UPLOAD['url']}\n"
    run.ok("upload", PROVIDER_ID)
    assert json.loads(script.seen[1].content) == {"provider_id": PROVIDER_ID}


def test_the_apis_text_cannot_control_the_terminal(canned: Callable[..., tuple[Commands, Script]]) -> None:
    """Escape sequences and markup in a name are printed, not interpreted."""
    name = "\x1b[31m\x9b\u202e\u2066[bold]x[/bold]"
    bad = PROVIDER | {"name": name, "key_hint": name}
    route = {"slug": "@a", "strategy": "single", "attempts": [{"provider_id": PROVIDER_ID, "model": name}]}
    route |= {"created_at": PROVIDER["created_at"], "updated_at": PROVIDER["updated_at"]}
    entry = AUDIT | {"after": {"name": name}}
    for arguments, responses in [
        (["get", PROVIDER_ID], [one(bad)]),
        (["get", PROVIDER_ID, "--json"], [one(bad)]),
        (["get", PROVIDER_ID], [error(409, "name_taken", message=name)]),
        (["get", PROVIDER_ID, "--json"], [error(409, "name_taken", message=name)]),
        (["update", PROVIDER_ID, "--name", "A"], [one(bad)]),
        (["rm", PROVIDER_ID], [one(bad)]),
        (["versions", PROVIDER_ID], [one([VERSION | {"hint": name}])]),
        (["audit"], [page([entry], None)]),
        (["routing", "get", "@a"], [one(route)]),
        (["routing", "list"], [page([route], None)]),
        (["routing", "rm", "@a"], [one(route)]),
    ]:
        run, _ = canned(*responses)
        done = run(*arguments, answers="n\n")
        text = done.out + done.err
        assert "[bold]x[/bold]" in text, arguments
        assert not set("\x1b\x9b\u202e\u2066") & set(text), arguments


def test_an_interrupted_change_says_that_it_may_have_been_made(
    providers: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-C, a user learns that the request may have arrived, and how to see whether it did."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "add_provider", interrupted)
    done = providers("add", "openai", "Interrupted", "--key-env", "ONE", ONE=fake_key("openai", serial=990_001))
    assert done.code == 1
    assert "may have been made" in done.err
