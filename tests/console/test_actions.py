"""Every action of the console, in a real browser, against the running stack."""

from __future__ import annotations

import httpx2
import pytest
from selenium.webdriver.common.keys import Keys

from local.vendors.keys import fake_key
from providers.usecases.management_keys import revoke_management_key
from providers_contract.vocabulary import Scope
from tests.kit.browser import Browser, needs_browser
from tests.local.conftest import Api

pytestmark = [pytest.mark.browser, needs_browser]


def opened(browser: Browser, provider_id: str) -> None:
    """Open a provider's view."""
    browser.go(f"#/providers/{provider_id}")


def test_a_key_stays_in_the_tab(browser: Browser, api: Api) -> None:
    """The management key is in the tab's storage, and neither in the page, its address, its console nor elsewhere."""
    browser.go("#/audit")
    stored = browser.run("return JSON.stringify({...sessionStorage})")
    assert api.key in stored
    elsewhere = browser.run(
        "return [document.documentElement.outerHTML, location.href, document.cookie,"
        " JSON.stringify({...localStorage})].join()"
    )
    assert api.key not in elsewhere + browser.console()
    browser.click("button", "Sign out")
    browser.find("#key")
    assert browser.run("return sessionStorage.length") == 0


def test_a_wrong_key_is_explained(browser: Browser, api: Api) -> None:
    """A key that does not work is refused with the reason, and is not kept."""
    browser.click("button", "Sign out")
    browser.find("#key").send_keys("mlx_mk_wrong")
    browser.click("button", "Sign in")
    assert browser.sees("does not exist, was revoked or has expired", "[role=alert]")
    assert browser.run("return sessionStorage.length") == 0


def test_adding_a_provider(browser: Browser, api: Api) -> None:
    """The vendor is recognized by its key; after a refusal, what was entered stays, and a good key is added."""
    browser.click("button", "Add provider")
    refused, good = fake_key("groq", "invalid"), fake_key("groq")
    browser.fill("Key", refused)
    assert browser.sees("The key has the form of Groq", "dialog")
    browser.fill("Name", "Groq batch")
    browser.click("dialog button", "Verify and add")
    assert browser.sees("refused the credential", "dialog [role=alert]")
    assert browser.field("Name").get_attribute("value") == "Groq batch"
    browser.fill("Key", good)
    browser.click("dialog button", "Verify and add")
    assert browser.sees("Groq batch is verified and stored", "#notice")
    (stored,) = api.call("GET", "/providers").json()["data"]
    assert (stored["name"], stored["vendor"], stored["status"]) == ("Groq batch", "groq", "active")
    html = browser.run("return document.documentElement.outerHTML") + browser.console()
    assert not {refused, good} & set(html.split('"'))
    assert good not in html


def test_aws_credentials_have_a_field_each(browser: Browser, api: Api) -> None:
    """AWS credentials for Bedrock are entered part by part."""
    access, secret, region = fake_key("bedrock").split("::")
    browser.click("button", "Add provider")
    browser.choose("Vendor", "bedrock")
    browser.choose("Kind of key", "aws")
    browser.fill("Access key id", access)
    browser.fill("Secret access key", secret)
    browser.fill("Region", region)
    browser.click("dialog button", "Verify and add")
    assert browser.sees("Bedrock is verified and stored", "#notice")


def test_a_bedrock_api_key_has_a_field_for_its_region(browser: Browser, api: Api) -> None:
    """A long-term Bedrock API key is entered as AWS shows it, its region separately."""
    key, region = fake_key("bedrock", "valid-api-key").split("::")
    browser.click("button", "Add provider")
    browser.fill("Key", key)
    browser.fill("Region", region)
    browser.click("dialog button", "Verify and add")
    assert browser.sees("Bedrock is verified and stored", "#notice")


def test_an_access_key_id_opens_the_fields_for_the_rest(browser: Browser, api: Api) -> None:
    """An AWS access key id that is entered as the key moves to its own field, and the secret is next."""
    access = fake_key("bedrock").split("::")[0]
    browser.click("button", "Add provider")
    browser.fill("Key", access)
    assert browser.field("Access key id").get_attribute("value") == access
    assert browser.run("return document.activeElement === arguments[0]", browser.field("Secret access key"))


def test_a_key_that_cannot_work_is_named(browser: Browser, api: Api) -> None:
    """An admin key is recognized as one while it is entered."""
    browser.click("button", "Add provider")
    browser.fill("Key", "sk-admin-FAKE-EXAMPLE-0000000000000")
    assert browser.sees("This is an admin key", "dialog")
    browser.find("dialog").send_keys(Keys.ESCAPE)


def test_an_outage_can_be_waited_for(browser: Browser, api: Api) -> None:
    """While the vendor is unavailable, a key can be stored unverified."""
    browser.click("button", "Add provider")
    browser.fill("Key", fake_key("openai", "server-500"))
    browser.click("dialog label", "store the key unverified")
    browser.click("dialog button", "Verify and add")
    assert browser.sees("stored, but not verified yet", "#notice")


def test_rotating_rolling_back_and_retiring(browser: Browser, api: Api) -> None:
    """A key is rotated, the earlier one restored, and a replaced version destroyed."""
    provider = api.added(fake_key("openai"), name="Prod")
    opened(browser, provider["id"])
    browser.click("button", "Rotate key")
    browser.fill("Key", fake_key("openai", "valid", 2))
    browser.click("dialog button", "Verify and rotate")
    assert browser.sees("Prod now uses key version 2", "#notice")
    browser.click("button", "Roll back to this")
    browser.click("dialog button", "Verify and roll back")
    assert browser.sees("as version 3", "#notice")
    browser.until(lambda: len(browser.all("table button.danger")) == 2)
    browser.click("table button.danger", "Retire now")
    browser.click("dialog button", "Retire version")
    assert browser.sees("Version 2 was destroyed", "#notice")
    versions = api.call("GET", f"/providers/{provider['id']}/versions").json()["data"]
    assert [(each["number"], each["active"]) for each in versions] == [(3, True), (1, False)]


def test_renaming_disabling_and_setting_the_expiry(browser: Browser, api: Api) -> None:
    """A provider is renamed and tagged, its key's expiry set, and it is disabled and enabled."""
    provider = api.added(fake_key("openai"), name="Old")
    opened(browser, provider["id"])
    browser.click("button", "Edit")
    browser.fill("Name", "New")
    browser.fill("Tags", "eu, team:search,")
    browser.click("dialog button", "Save")
    assert browser.sees("New", "h1")
    browser.click("button", "Set expiry")
    browser.run("arguments[0].value = '2030-01-31'", browser.field("Last day"))
    browser.click("dialog button", "Save")
    assert browser.sees("expires on 2030-01-31", "#notice")
    browser.click("button", "Disable")
    browser.click("dialog button", "Disable")
    assert browser.sees("disabled", "h1")
    browser.click("button", "Enable")
    browser.click("dialog button", "Enable")
    assert browser.sees("New is enabled", "#notice")
    found = api.call("GET", f"/providers/{provider['id']}").json()["data"]
    assert (found["name"], found["status"], found["key_expires_at"]) == ("New", "active", "2030-01-31T23:59:59Z")
    assert found["tags"] == ["eu", "team:search"]


def test_deleting_names_the_blockers_and_detaches_them(browser: Browser, api: Api) -> None:
    """The routing configs that use a provider are named, and the provider is removed from them before its deletion."""
    first, other = api.added(fake_key("openai")), api.added(fake_key("groq"), "groq")
    steps = [{"provider_id": each["id"], "model": "m"} for each in (first, other)]
    api.call("PUT", "/routing-configs/both", {"strategy": "fallback", "attempts": steps})
    api.call("PUT", "/routing-configs/alone", {"strategy": "single", "attempts": steps[:1]})
    opened(browser, first["id"])
    browser.click("button", "Delete")
    assert browser.sees("alone", "dialog li")
    assert browser.sees("both", "dialog li")
    browser.click("dialog label", "Remove the provider")
    browser.click("dialog button", "Delete provider")
    assert browser.sees("was deleted", "#notice")
    assert [each["id"] for each in api.call("GET", "/providers").json()["data"]] == [other["id"]]
    (left,) = api.call("GET", "/routing-configs").json()["data"]
    assert (left["slug"], [each["provider_id"] for each in left["attempts"]]) == ("both", [other["id"]])


def test_a_one_time_link(browser: Browser, api: Api) -> None:
    """A link is shown once, with a copy button, and works for someone without a key."""
    provider = api.added(fake_key("openai"))
    opened(browser, provider["id"])
    browser.click("button", "One-time link")
    browser.click("dialog button", "Create link")
    link = str(browser.find("dialog input[readonly]").get_attribute("value"))
    browser.click("dialog button", "Copy")
    browser.click("dialog button", "Done")
    browser.until(lambda: not browser.all("dialog"))
    assert link not in browser.run("return document.documentElement.outerHTML")
    used = httpx2.post(link, data={"api_key": fake_key("openai", "valid", 5)}, trust_env=False, timeout=30)
    assert used.status_code == 200
    browser.go("#/uploads")
    assert browser.sees(f"a new key of {provider['name']}", "table")


def test_the_organizations_views(browser: Browser, api: Api) -> None:
    """Routing configs and the audit trail are shown, and a routing config can be deleted."""
    provider = api.added(fake_key("openai"), name="Shown")
    attempts = [{"provider_id": provider["id"], "model": "gpt-5"}]
    api.call("PUT", "/routing-configs/@production", {"strategy": "single", "attempts": attempts})
    browser.go("#/routing")
    assert browser.sees("Shown", "table")
    browser.click("table button", "Delete")
    browser.click("dialog button", "Delete routing config")
    assert browser.sees("There are no routing configs", "main")
    browser.go("#/audit")
    assert browser.sees("routing config: deleted", "table")


def test_health_and_versions_are_shown(browser: Browser, api: Api) -> None:
    """One provider's view has its windows, charts over a chosen time, and what uses it."""
    provider = api.added(fake_key("openai"))
    api.client.post("/_local/sweep", json={})
    opened(browser, provider["id"])
    for text in ("5m", "1h", "24h", "7d"):
        assert browser.sees(text, "td")
    browser.click("button", "7 days")
    browser.until(lambda: browser.all("button[aria-pressed=true]")[0].text == "7 days")
    assert "Latency from" in str(browser.find("figure svg").get_attribute("aria-label"))
    assert browser.sees("No routing config uses this provider")


def test_changes_of_state_are_shown(browser: Browser, api: Api) -> None:
    """A provider's view has the changes of state that the sweep made, with the reason."""
    key = fake_key("openai", "valid", 77)  # no other test uses it: the emulator remembers the case
    provider = api.added(key)
    for case in ("valid", "invalid", "invalid", "invalid"):
        api.client.post("/_local/vendors", json={"vendor": "openai", "key": key, "case": case}).raise_for_status()
        api.client.post("/_local/sweep", json={}).raise_for_status()
    opened(browser, provider["id"])
    rows = browser.find("table", "Key version").find_elements("css selector", "tbody tr")
    assert [each.text.split("M ", 1)[1] for each in rows] == [
        "healthy → unhealthy credential rejected 1",
        "unknown → healthy – 1",
    ]


def test_errors_name_vendors_and_fields_as_people_do(browser: Browser, api: Api) -> None:
    """A refusal names the vendor by its title, and a field by words; each is said once."""
    provider = api.added(fake_key("openai"))
    opened(browser, provider["id"])
    browser.click("button", "Rotate key")
    browser.fill("Key", fake_key("groq"))
    browser.click("dialog button", "Verify and rotate")
    assert browser.sees("API key is a credential of Groq, not of OpenAI", "dialog [role=alert]")
    browser.click("dialog button", "Cancel")
    browser.click("button", "Set expiry")
    browser.run("arguments[0].value = '2020-01-31'", browser.field("Last day"))
    browser.click("dialog button", "Save")
    assert browser.sees("Key expires at: must be in the future.", "dialog [role=alert]")
    assert browser.find("dialog [role=alert]").text.count("must be in the future") == 1


def test_the_audit_trail_names_providers_and_people(browser: Browser, api: Api) -> None:
    """Entries name providers, also deleted ones, and the reader's own key; lists are words, not code."""
    kept = api.added(fake_key("openai"), name="Kept", tags=["eu", "batch"])
    gone = api.added(fake_key("groq"), "groq", name="Gone")
    api.call(
        "PUT", "/routing-configs/a", {"strategy": "single", "attempts": [{"provider_id": kept["id"], "model": "m"}]}
    )
    api.call("DELETE", f"/providers/{gone['id']}")
    browser.go("#/audit")
    shown = browser.find("table").text
    assert "your key" in shown
    assert "tags: eu, batch" in shown
    assert f"attempts: {kept['id']} m" in shown
    assert {each.text for each in browser.all("td[data-column=Resource]")} == {"a", "Kept", "Gone"}
    assert browser.find("table a", "Kept").get_attribute("href").endswith(kept["id"])


def test_a_filter_of_a_vendor_that_is_gone_ends(browser: Browser, api: Api) -> None:
    """If nothing matches, the list says so and can show all; a filter for a vendor without providers ends."""
    api.added(fake_key("openai"), name="Stays")
    gone = api.added(fake_key("groq"), "groq", name="Goes")
    browser.click("button", "Refresh")
    browser.until(lambda: len(browser.all("tbody tr")) == 2)
    browser.find("input[type=search]").send_keys("nothing like it")
    assert browser.sees("No provider matches", "main")
    browser.click("button", "Show all")
    browser.until(lambda: len(browser.all("tbody tr")) == 2)
    vendor = browser.find("select[aria-label=Vendor]")
    browser.run("arguments[0].value = 'groq'; arguments[0].dispatchEvent(new Event('change'))", vendor)
    browser.until(lambda: len(browser.all("tbody tr")) == 1)
    api.call("DELETE", f"/providers/{gone['id']}")
    browser.click("button", "Refresh")
    assert browser.sees("Stays", "tbody")


def test_a_missing_provider_is_named(browser: Browser, api: Api) -> None:
    """A link to a provider that was deleted says so and leads back to the list."""
    browser.go("#/providers/prov_01JFAKE0000000000000000001")
    assert browser.sees("Not found", "h1")
    browser.click("main a", "Providers")
    assert browser.sees("There are no providers yet", "main")


def test_a_reader_sees_no_button_that_cannot_work(chromium: Browser, api: Api) -> None:
    """A read-only key sees everything, and none of the buttons that change something."""
    reader = api.another("org_console_reader", Scope.PROVIDERS_READ, Scope.ROUTING_READ)
    writer = api.another("org_console_reader", *Scope)
    provider = writer.added(fake_key("openai"))
    writer.rotate(provider["id"], fake_key("openai", "valid", 2))
    chromium.look()
    chromium.sign_in(api.stack.url, reader.key)
    assert chromium.sees("read-only", ".bar")
    allowed = {"Refresh", "Sign out", "1 hour", "24 hours", "7 days", "Show earlier changes", "×"}
    for address in ("#/providers", f"#/providers/{provider['id']}", "#/routing", "#/audit", "#/uploads"):
        chromium.go(address)
        names = {each.text for each in chromium.all("button") if each.is_displayed()}
        assert names <= allowed | {"Name", "Vendor", "State", "p50", "Key age", "Expires"}, address
    assert chromium.faults() == []


def test_a_revoked_key_is_signed_out(chromium: Browser, api: Api) -> None:
    """When the key stops working, the console says so, forgets it, and asks for another."""
    other = api.another("org_console_revoked", *Scope)
    chromium.look()
    chromium.sign_in(api.stack.url, other.key)
    revoke_management_key(api.stack.ports, other.key.split("_")[2])
    chromium.click("button", "Refresh")
    assert chromium.sees("stopped working", "[role=alert]")
    assert chromium.run("return sessionStorage.length") == 0


def test_a_view_waits_for_the_rate_limit(browser: Browser, api: Api) -> None:
    """When the key has used up its requests for a minute, the view says so, waits, and is then shown."""
    browser.run(
        """const real = window.fetch;
        window.fetch = async () => {
          window.fetch = real;
          const error = {code: "rate_limited", message: "try again in 1 s"};
          return new Response(JSON.stringify({error}), {status: 429, headers: {"Retry-After": "1"}});
        }"""
    )
    browser.run("location.hash = '#/routing'")
    assert browser.sees("Waiting 1 s", "#notice")
    assert browser.sees("Routing configs", "h1")
    assert browser.find("main").text
    browser.until(lambda: not browser.all("#notice *"))


def test_markup_in_a_name_stays_text(browser: Browser, api: Api) -> None:
    """A name with markup is shown as it is, in every view, and makes no element."""
    name = "<img src=x onerror=alert(1)><b>bold</b>"
    provider = api.added(fake_key("openai"), name=name)
    steps = [{"provider_id": provider["id"], "model": name}]
    api.call("PUT", "/routing-configs/a", {"strategy": "single", "attempts": steps})
    for address in ("#/providers", f"#/providers/{provider['id']}", "#/routing", "#/audit"):
        browser.go(address)
        assert browser.sees(name, "main")
        assert browser.all("main img, main b") == []
    opened(browser, provider["id"])
    browser.click("button", "Disable")
    assert browser.sees(name, "dialog h2")
