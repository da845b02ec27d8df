"""The pictures of the console in README.md and docs: taken from a running stack with an organization's usual data.

`python -m tests.kit.screenshots` writes them.
"""

from __future__ import annotations

import random
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx2

from local.background import in_background
from local.stack import ORG, Stack, running_stack
from local.vendors.keys import fake_key
from providers.model.health import floor_minute
from providers.model.samples import Sample
from providers_contract.vocabulary import Reason, Scope
from tests.kit.browser import Browser, running_browser

PICTURES: Final = Path(__file__).parent.parent.parent / "docs" / "pictures"
AZURE: Final = {"base_url": "https://fake.openai.azure.com"}
ROWS: Final[list[tuple[str, str, list[str], int, float, dict[str, Any]]]] = [
    ("azure", "Azure West Europe", ["eu", "production"], 530, 0.09, AZURE),
    ("groq", "Groq batch", ["batch"], 80, 0, {}),
    ("bedrock", "Bedrock US-East", ["production"], 190, 0, {}),
    ("google", "Gemini", ["team:search"], 260, 0, {"key_expires_at": "2027-01-31T00:00:00Z"}),
    ("anthropic", "Claude", ["production", "team:search"], 410, 0, {}),
    ("openai", "OpenAI Production", ["production"], 305, 0.01, {}),
]
"""Vendor, name, tags, latency in ms, share of failed checks, and further fields."""

DAY: Final = 24 * 60


def fill(stack: Stack) -> str:
    """Add the providers, a day of health and a routing config; return the id of the last provider."""
    key = stack.management_key.reveal()
    with httpx2.Client(
        base_url=stack.url, headers={"authorization": f"Bearer {key}"}, trust_env=False, timeout=60
    ) as http:
        ids = []
        for vendor, name, tags, latency_ms, failing, more in ROWS:
            body = {
                "vendor": vendor,
                "name": name,
                "tags": tags,
                "api_key": fake_key(vendor, f"slow-{latency_ms}ms"),
                **more,
            }
            found = http.post("/manage/v1/providers", json=body).raise_for_status().json()["data"]["id"]
            ids.append(found)
            record(stack, found, latency_ms, failing, range(1, 60))
        record(stack, ids[-1], ROWS[-1][3], ROWS[-1][4], range(60, DAY, 5))
        groq = {"vendor": "groq", "key": fake_key("groq", "slow-80ms"), "case": "invalid"}
        http.post("/_local/vendors", json=groq).raise_for_status()
        for _ in range(4):
            http.post("/_local/sweep", json={}).raise_for_status()
        attempts = [{"provider_id": ids[-1], "model": "gpt-5"}, {"provider_id": ids[-2], "model": "claude-sonnet-4-5"}]
        config = {"strategy": "fallback", "attempts": attempts}
        http.put("/manage/v1/routing-configs/@production", json=config).raise_for_status()
    return str(ids[-1])


def record(stack: Stack, provider_id: str, latency_ms: int, failing: float, minutes: range) -> None:
    """Record checks so many minutes ago."""
    chance = random.Random(provider_id[:8] + str(latency_ms))
    now = floor_minute(stack.ports.clock.now())
    for minute in minutes:
        fails = chance.random() < failing
        spent = round(latency_ms * chance.lognormvariate(0, 0.18))
        sample = Sample(now - timedelta(minutes=minute), 1, Reason.TIMEOUT if fails else None, None if fails else spent)
        stack.ports.health.record(provider_id, sample)


def take(browser: Browser, name: str, height: int) -> None:
    """Write a picture of the page's first `height` pixels."""
    browser.look(width=1120, height=height)
    browser.run("document.activeElement.blur(); scrollTo(0, 0)")
    browser.driver.save_screenshot(str(PICTURES / name))


def main() -> None:
    """Take the pictures."""
    with in_background(running_stack()) as stack, running_browser() as browser:
        provider_id = fill(stack)
        key = stack.mint(ORG, *Scope).reveal()
        browser.look(width=1120)
        browser.sign_in(stack.url, key)
        take(browser, "console.png", 440)
        browser.go(f"#/providers/{provider_id}")
        take(browser, "console-provider.png", 1180)
        made = httpx2.post(
            f"{stack.url}/manage/v1/uploads",
            json={"provider_id": provider_id},
            headers={"authorization": f"Bearer {key}"},
            trust_env=False,
        )
        browser.driver.get(made.json()["data"]["url"])
        browser.find("form label")
        take(browser, "upload.png", 700)
    sys.stdout.write("docs/pictures/console*.png and upload.png are written\n")


if __name__ == "__main__":
    main()
