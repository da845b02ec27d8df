"""Drive the console in a real browser: Debian's Chromium, headless, over WebDriver."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

T = TypeVar("T")

CHROMIUM: Final = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER: Final = shutil.which("chromedriver")
AXE: Final = Path(__file__).parent.parent / "console" / "node_modules" / "axe-core" / "axe.min.js"

needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="no browser: install Debian's packages chromium and chromium-driver"
)
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="no axe-core: run `npm ci` in tests/console")

_PATIENCE_S: Final = 15
_WATCH: Final = """
window.__faults = [];
addEventListener("securitypolicyviolation", (e) => __faults.push(`policy: ${e.violatedDirective} ${e.blockedURI}`));
addEventListener("error", (e) => __faults.push(`error: ${e.message}`));
addEventListener("unhandledrejection", (e) => __faults.push(`rejection: ${e.reason}`));
"""
"""Run before the page's own code, and not subject to its policy."""


class Browser:
    """One tab."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})

    def look(self, *, dark: bool = False, width: int = 1280, height: int = 900) -> None:
        """Set the color scheme, and the size of the page."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def until(self, condition: Callable[[], T | None]) -> T:
        """Return the first result of `condition` that is true. Raises TimeoutException."""
        ignored = [StaleElementReferenceException]
        wait = WebDriverWait(self.driver, _PATIENCE_S, poll_frequency=0.03, ignored_exceptions=ignored)
        found: T = wait.until(lambda _: condition())
        return found

    def find(self, selector: str, text: str = "") -> WebElement:
        """Return the first visible element with a selector that contains a text, once there is one."""

        def found() -> WebElement | None:
            elements = self.driver.find_elements(By.CSS_SELECTOR, selector)
            return next((each for each in elements if each.is_displayed() and text in each.text), None)

        return self.until(found)

    def all(self, selector: str) -> list[WebElement]:
        """Return the elements with a selector, at present."""
        found: list[WebElement] = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return found

    def click(self, selector: str, text: str = "") -> None:
        """Click the first visible element with a selector that contains a text."""
        self.find(selector, text).click()

    def field(self, label: str) -> WebElement:
        """Return the input with a label."""
        return self.driver.find_element(By.ID, self.find("label", label).get_attribute("for") or "")

    def fill(self, label: str, text: str) -> None:
        """Enter a text into the input with a label, in place of what it has."""
        field = self.field(label)
        field.clear()
        field.send_keys(text)

    def choose(self, label: str, value: str) -> None:
        """Choose an option of the select with a label."""
        self.run(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))",
            self.field(label),
            value,
        )

    def sees(self, text: str, selector: str = "body") -> bool:
        """Wait until the page shows a text."""
        return bool(self.find(selector, text))

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page, and return its result."""
        return self.driver.execute_script(script, *arguments)

    def sign_in(self, url: str, key: str) -> None:
        """Open the console as someone who has just opened a tab, and sign in."""
        self.driver.get(f"{url}/console/static/icon.svg")
        self.run("sessionStorage.clear()")
        self.driver.get(f"{url}/console")
        self.find("#key").send_keys(key)
        self.click("button", "Sign in")
        self.find("h1", "Providers")

    def go(self, address: str) -> None:
        """Go to a view of the console, and wait for it."""
        self.run("document.querySelector('main h1')?.remove(); location.hash = arguments[0]", address)
        self.find("main h1")

    def faults(self) -> list[str]:
        """Return what went wrong in the page since it was loaded: violations of its policy, and errors."""
        return [str(each) for each in self.run("return window.__faults")]

    def console(self) -> str:
        """Return what the browser wrote to its console since the last call."""
        return json.dumps(self.driver.get_log("browser"))

    def barriers(self) -> list[str]:
        """Return what axe finds: what keeps people from using the page, with the elements."""
        self.run(AXE.read_text())
        found = self.driver.execute_async_script("axe.run(document).then(arguments[arguments.length - 1])")
        return [f"{each['id']}: {node['target']}" for each in found["violations"] for node in each["nodes"]]


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Run a browser until the block ends."""
    options = webdriver.ChromeOptions()
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--no-proxy-server",
        "--hide-scrollbars",
        "--lang=en-US",
        "--disable-background-networking",
    ):
        options.add_argument(argument)
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    os.environ["SE_OFFLINE"] = "true"
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    try:
        yield Browser(driver)
    finally:
        try:
            driver.quit()
        except WebDriverException:
            driver.service.stop()
