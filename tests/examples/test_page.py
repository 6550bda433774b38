"""The bank's page in a real browser."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.browser import CHROMIUM, FLAGS, NEEDED

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = NEEDED
playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")


@pytest.fixture(params=[(1100, 900), (360, 740)], ids=["desk", "phone"])
def page(server: str, request: pytest.FixtureRequest) -> "Iterator[Page]":
    """The page as a customer has it before them; anything it logs as an error fails the test."""
    width, height = request.param
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_page(viewport={"width": width, "height": height})
        failed: list[str] = []
        outside: list[str] = []
        opened.on("pageerror", lambda error: failed.append(str(error)))
        opened.on(
            "request",
            lambda sent: (
                None if sent.url.startswith((server, "data:")) else outside.append(sent.url)
            ),
        )
        opened.goto(f"{server}/apply")
        yield opened
        browser.close()
    assert failed == []
    assert outside == []


def test_a_customer_gets_a_decision(page: "Page") -> None:
    page.get_by_label("How long have you been in this work?").fill("15")
    page.get_by_label("How do you work?").select_option("Employed, full time")
    page.get_by_label("What do you owe, all together?").fill("")
    page.get_by_role("button", name="Ask for a decision").click()
    playwright.expect(page.get_by_role("heading", name="Approved")).to_be_visible()
    playwright.expect(page.locator("#answer")).to_contain_text("not paid back at")


def test_a_refused_field_says_why_beside_it_and_is_mended_there(page: "Page") -> None:
    age, spent = page.get_by_label("How old are you?"), page.get_by_label("What do you spend?")
    age.fill("12")
    spent.fill("")
    page.get_by_role("button", name="Ask for a decision").click()
    playwright.expect(age).to_be_focused()
    playwright.expect(age).to_have_accessible_description(re.compile("18"))
    playwright.expect(age).to_have_attribute("aria-invalid", "true")
    playwright.expect(spent).to_have_accessible_description("Please fill this in.")
    playwright.expect(page.locator("#answer")).to_be_hidden()

    age.fill("40")
    spent.fill("35")
    playwright.expect(page.locator(".refused")).to_have_count(0)
    page.get_by_role("button", name="Ask for a decision").click()
    playwright.expect(page.locator("#answer")).to_be_visible()


def test_nothing_sticks_out_on_a_phone(page: "Page") -> None:
    width, seen = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= seen
