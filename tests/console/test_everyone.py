"""The console for everyone: without barriers, on a phone, with the keyboard, and with a thousand providers."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from selenium.webdriver.common.keys import Keys

from local.background import in_background
from local.vendors.keys import fake_key
from providers_contract.examples import PROVIDER
from providers_contract.operations import OPERATIONS
from tests.kit.browser import Browser, needs_axe, needs_browser
from tests.local.conftest import Api

pytestmark = [pytest.mark.browser, needs_browser]

STACK = web.AppKey("stack", str)
_numbers = itertools.count()
VIEWS = ("#/providers", "#/routing", "#/audit", "#/uploads")
DIALOGS = ("Rotate key", "Edit", "Delete", "One-time link")


def filled(api: Api) -> str:
    """Add a provider with two versions, health and a routing config, and return its id."""
    provider = api.added(fake_key("openai"), name=f"A name of the usual length {next(_numbers)}")
    provider_id = str(provider["id"])
    api.client.post("/_local/sweep", json={})
    api.rotate(provider_id, fake_key("openai", "valid", 2))
    attempts = [{"provider_id": provider_id, "model": "gpt-5"}]
    api.call("PUT", "/routing-configs/@production", {"strategy": "single", "attempts": attempts})
    return provider_id


@needs_axe
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_there_are_no_barriers(browser: Browser, api: Api, dark: bool) -> None:
    """axe finds nothing in any view or dialog, in light and in dark mode."""
    provider_id = filled(api)
    browser.look(dark=dark)
    for address in (*VIEWS, f"#/providers/{provider_id}"):
        browser.go(address)
        assert browser.barriers() == [], address
    for title in DIALOGS:
        browser.click("button", title)
        browser.find("dialog")
        assert browser.barriers() == [], title
        browser.click("dialog button", "Cancel")
        browser.until(lambda: not browser.all("dialog"))
    browser.go("#/providers")
    browser.click("button", "Add provider")
    browser.choose("Vendor", "bedrock")
    assert browser.barriers() == []
    browser.click("dialog button", "Cancel")
    browser.click("button", "Sign out")
    browser.find("#key")
    assert browser.barriers() == []


@pytest.mark.parametrize("address", [*VIEWS, "one"])
def test_it_fits_a_phone(browser: Browser, api: Api, address: str) -> None:
    """At 375 pixels no view is wider than the screen."""
    provider_id = filled(api)
    browser.look(width=375, height=800)
    browser.go(f"#/providers/{provider_id}" if address == "one" else address)
    assert browser.run("return document.documentElement.scrollWidth") <= 375


def test_the_keyboard_is_enough(browser: Browser, api: Api) -> None:
    """A dialog is opened, cancelled and submitted with the keyboard, and the focus returns to where it was."""
    opened = filled(api)
    browser.go(f"#/providers/{opened}")
    browser.find("button", "Edit").send_keys(Keys.ENTER)
    name = browser.field("Name")
    assert browser.run("return document.activeElement === arguments[0]", name)
    name.send_keys(Keys.ESCAPE)
    browser.until(lambda: not browser.all("dialog"))
    assert browser.run("return document.activeElement.textContent") == "Edit"
    browser.find("button", "Edit").send_keys(Keys.ENTER)
    browser.field("Name").send_keys("Changed", Keys.ENTER)
    assert browser.sees("Changed", "h1")


def test_the_focus_stays_after_an_action(browser: Browser, api: Api) -> None:
    """After an action that changes the view, the focus is on the same button again, or on the heading."""
    opened = filled(api)
    browser.go(f"#/providers/{opened}")
    browser.click("button", "Disable")
    browser.click("dialog button", "Disable")
    assert browser.sees("disabled", "h1")
    assert browser.run("return document.activeElement.tagName") == "H1"
    browser.find("button", "Edit").send_keys(Keys.ENTER)
    browser.field("Name").send_keys("Changed", Keys.ENTER)
    assert browser.sees("Changed", "h1")
    assert browser.run("return document.activeElement.textContent") == "Edit"


def test_the_focus_stays_after_a_refusal(browser: Browser, api: Api) -> None:
    """After a refusal, the focus is in the field from which the form was sent."""
    browser.go(f"#/providers/{filled(api)}")
    browser.click("button", "Rotate key")
    browser.field("Key").send_keys(fake_key("openai", "invalid"), Keys.ENTER)
    assert browser.sees("OpenAI refused the credential", "dialog [role=alert]")
    browser.until(lambda: browser.run("return document.activeElement === arguments[0]", browser.field("Key")))


def test_the_list_keeps_its_place(browser: Browser, api: Api) -> None:
    """Back from a provider, the list is where the reader left it."""
    for number in range(8):
        api.added(fake_key("openai", "valid", number + 1))
    browser.look(width=375, height=300)
    browser.click("button", "Refresh")
    assert browser.sees("8 providers", "[role=status]")
    left = browser.run("scrollTo(0, 250); return scrollY")
    browser.run("document.querySelectorAll('tbody a')[5].click()")
    assert browser.sees("Health", "h2")
    browser.driver.back()
    assert browser.sees("8 providers", "[role=status]")
    browser.until(lambda: browser.run("return scrollY") == left)


def test_tables_are_lists_on_a_phone(browser: Browser, api: Api) -> None:
    """At 375 pixels every part of an audit entry is within the screen, after the name of its column."""
    filled(api)
    browser.look(width=375, height=800)
    browser.go("#/audit")
    right = browser.run(
        "return Math.max(...[...document.querySelectorAll('td')].map((e) => e.getBoundingClientRect().right))"
    )
    assert right <= 375
    change = browser.run(
        "return Math.max(...[...document.querySelectorAll('td li')].map((e) => e.getBoundingClientRect().right))"
    )
    assert change <= 375 - 16
    label = browser.run("return getComputedStyle(document.querySelector('td[data-column=By]'), '::before').content")
    assert label == '"By"'


def test_a_thousand_providers(browser: Browser, api: Api) -> None:
    """A thousand providers are listed and searched at once, and only those near the reader are laid out."""
    line = {"since": "2026-04-14T12:00:00Z", "latency_ms": [300 + minute for minute in range(60)], "failed": []}
    health = {**PROVIDER["health"], "sparkline": line}
    page = [PROVIDER | {"name": f"Team {i:04}", "health": health} for i in range(1000)]
    browser.run(
        """const data = arguments[0];
        window.asked = [];
        window.fetch = async (url) => {
          asked.push(new URL(url).search);
          return new Response(JSON.stringify({data, next_cursor: null}));
        }""",
        page,
    )
    browser.click("button", "Refresh")
    assert browser.sees("1000 providers", "[role=status]")
    assert browser.run("return asked") == ["?include=sparkline"]
    assert 100 <= len(browser.all("tbody tr")) <= 300
    took = browser.run(
        """const search = document.querySelector("input[type=search]");
        const began = performance.now();
        search.value = "team 09"; search.dispatchEvent(new Event("input")); document.body.offsetHeight;
        return performance.now() - began"""
    )
    assert browser.sees("100 of 1000 providers", "[role=status]")
    assert took < 500
    browser.click("th button", "Name")
    assert browser.find("tbody a").text == "Team 0900"


def test_a_list_is_one_request(browser: Browser, api: Api) -> None:
    """The whole list with its history is one request."""
    for number in range(3):
        api.added(fake_key("openai", "valid", number + 1))
    browser.run("performance.clearResourceTimings()")
    browser.click("button", "Refresh")
    assert browser.sees("3 providers", "[role=status]")
    requests = browser.run("return performance.getEntriesByType('resource').map((each) => each.name)")
    assert [each.rpartition("/")[2] for each in requests] == ["providers?include=sparkline"]


def test_nothing_comes_from_elsewhere(browser: Browser, api: Api) -> None:
    """Every request goes to the API that serves the page."""
    requests = browser.run("return performance.getEntriesByType('resource').map((each) => each.name)")
    assert len(requests) > 10
    assert [each for each in requests if not each.startswith(f"{api.stack.url}/")] == []


async def staged(request: web.Request) -> web.StreamResponse:
    """Pass a request below /live on to the stack, as API Gateway's stage does."""
    async with aiohttp.ClientSession() as http:
        target = f"{request.app[STACK]}{request.path_qs.removeprefix('/live')}"
        headers = {name: value for name, value in request.headers.items() if name != "Host"}
        async with http.request(request.method, target, headers=headers, data=await request.read()) as found:
            kept = {name: value for name, value in found.headers.items() if name not in ("Content-Length", "Server")}
            return web.Response(status=found.status, headers=kept, body=await found.read())


@asynccontextmanager
async def stage(url: str) -> AsyncIterator[str]:
    """Serve the stack below /live on another port; return the address of the stage."""
    app = web.Application()
    app[STACK] = url
    app.router.add_route("*", "/live/{path:.*}", staged)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/live"
    await runner.cleanup()


def test_it_works_below_a_stage(chromium: Browser, api: Api) -> None:
    """Below /live, as on AWS, the console, the API reference and an upload link find their files and the API."""
    api.added(fake_key("openai"), name="Below a stage")
    chromium.look()
    with in_background(stage(api.stack.url)) as url:
        chromium.sign_in(url, api.key)
        assert chromium.sees("Below a stage", "table")
        chromium.click("nav a", "API reference")
        assert chromium.sees("Providers API", "h1")
        link = api.call("POST", "/uploads", {"vendor": "groq", "name": "G"}).json()["data"]["url"]
        chromium.driver.get(link.replace(api.stack.url, url))
        assert chromium.sees("As the vendor shows it", "form")
        assert chromium.faults() == []


def test_it_starts_again_if_a_file_is_missing(browser: Browser, api: Api) -> None:
    """If a module cannot be loaded, the console waits, and loads the page again."""
    command = browser.driver.execute_cdp_cmd
    command("Network.enable", {})
    command("Network.setCacheDisabled", {"cacheDisabled": True})
    command("Network.setBlockedURLs", {"urls": ["*/health.js"]})
    try:
        browser.driver.refresh()
        browser.until(lambda: browser.run("return sessionStorage.getItem('tries')") == "1")
        command("Network.setBlockedURLs", {"urls": []})
        assert browser.sees("Providers", "h1")
        browser.until(lambda: browser.run("return sessionStorage.getItem('tries')") is None)
    finally:
        command("Network.setBlockedURLs", {"urls": []})
        command("Network.disable", {})


def test_it_is_usable_within_a_second(browser: Browser, api: Api) -> None:
    """From opening the page of a signed-in tab to the table takes less than a second of the page's own time."""
    for number in range(20):
        api.added(fake_key("openai", "valid", number + 1))
    took = []
    for _ in range(3):
        browser.driver.refresh()
        browser.find("tbody a")
        took.append(browser.run("return performance.getEntriesByName('usable')[0].startTime"))
    assert min(took) < 1000


@needs_axe
def test_the_reference_has_every_operation(chromium: Browser, api: Api) -> None:
    """The API reference needs no key, shows every operation of the stack, and has no barriers."""
    chromium.look()
    chromium.driver.get(f"{api.stack.url}/docs")
    chromium.find("h1", "Providers API")
    shown = json.loads(
        chromium.run("return JSON.stringify([...document.querySelectorAll('.operation')].map((e) => e.id))")
    )
    assert OPERATIONS.keys() <= set(shown)
    broken = chromium.run(
        "return [...document.querySelectorAll('a[href^=\"#\"]')].map((e) => e.hash.slice(1))"
        ".filter((id) => !document.getElementById(id))"
    )
    assert broken == []
    assert chromium.barriers() == []
    assert chromium.faults() == []
