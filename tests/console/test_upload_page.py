"""The page of an upload link, in a real browser."""

from __future__ import annotations

import pytest

from local.vendors.keys import fake_key
from tests.kit.browser import Browser, needs_axe, needs_browser
from tests.local.conftest import Api

pytestmark = [pytest.mark.browser, needs_browser]


def opened(chromium: Browser, api: Api, vendor: str) -> None:
    """Create a link for a new provider, and open it."""
    made = api.call("POST", "/uploads", {"vendor": vendor, "name": "By a person"}).json()["data"]
    chromium.look()
    chromium.driver.get(made["url"])
    chromium.find("form label")


def test_the_form_stays_after_a_refusal(chromium: Browser, api: Api) -> None:
    """After a refusal the reason and the tries left are shown above the same form, which then accepts the right key."""
    opened(chromium, api, "openai")
    refused = fake_key("openai", "invalid")
    chromium.fill("Key", refused)
    chromium.click("button", "Verify and store")
    assert chromium.sees("refused the credential", "[role=alert]")
    assert chromium.sees("4 of 5", "#tries")
    assert chromium.field("Key").get_attribute("value") == refused
    chromium.fill("Key", fake_key("openai"))
    chromium.click("button", "Verify and store")
    assert chromium.sees("The key is stored", "h1")
    (provider,) = api.call("GET", "/providers").json()["data"]
    assert (provider["name"], provider["status"]) == ("By a person", "active")
    assert chromium.faults() == []


def test_it_says_that_it_is_verifying(chromium: Browser, api: Api) -> None:
    """While the vendor is asked, the page says so, and a second click does nothing."""
    opened(chromium, api, "openai")
    chromium.fill("Key", fake_key("openai", "slow-700ms"))
    chromium.click("button", "Verify and store")
    assert chromium.sees("Verifying with OpenAI", "[role=status]")
    assert not chromium.find("button", "Verify and store").is_enabled()
    assert chromium.sees("The key is stored", "h1")


def test_aws_credentials_have_a_field_each(chromium: Browser, api: Api) -> None:
    """The parts of AWS credentials for Bedrock are entered separately."""
    opened(chromium, api, "bedrock")
    access, secret, region = fake_key("bedrock").split("::")
    chromium.choose("Kind of key", "aws")
    for label, value in (("Access key id", access), ("Secret access key", secret), ("Region", region)):
        chromium.fill(label, value)
    chromium.click("button", "Verify and store")
    assert chromium.sees("The key is stored", "h1")


def test_times_are_local(chromium: Browser, api: Api) -> None:
    """The expiry is shown in the reader's time zone."""
    chromium.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": "Asia/Tokyo"})
    try:
        opened(chromium, api, "openai")
        shown, at = chromium.run("const t = document.querySelector('time'); return [t.textContent, t.dateTime]")
        hour = (int(at[11:13]) + 9) % 24
        assert f"{hour % 12 or 12}:{at[14:16]}" in shown
        assert "UTC" not in shown
    finally:
        chromium.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})


@needs_axe
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_there_are_no_barriers(chromium: Browser, api: Api, dark: bool) -> None:
    """axe finds nothing on the form, in light and in dark mode, and it fits a phone."""
    opened(chromium, api, "bedrock")
    chromium.look(dark=dark, width=375, height=800)
    assert chromium.barriers() == []
    assert chromium.run("return document.documentElement.scrollWidth") <= 375
    assert chromium.faults() == []
