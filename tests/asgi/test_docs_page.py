"""Our page of a service in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.asgi.services import Kitchen
from tests.asgi.test_server import serving
from tests.browser import CHROMIUM, FLAGS, NEEDED

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = NEEDED
playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(Kitchen.replace()) as running:
        yield running


@pytest.fixture
def page(url: str) -> "Iterator[Page]":
    """The page; anything that it logs as an error, a refusal by its own policy too, fails."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_page()
        failed: list[str] = []
        opened.on("pageerror", lambda error: failed.append(str(error)))
        opened.on(
            "console", lambda said: failed.append(said.text) if said.type == "error" else None
        )
        opened.goto(f"{url}/docs")
        yield opened
        browser.close()
    assert failed == []


def method(page: "Page", path: str) -> "Locator":
    found = page.locator("details").filter(has=page.get_by_role("heading", name=path, exact=True))
    found.locator("summary").click()
    return found


def test_every_method_is_on_the_page(page: "Page") -> None:
    playwright.expect(page.locator("details")).to_have_count(len(Kitchen.declaration.methods))


def test_an_array_is_tried_as_json_and_said_to_travel_as_a_file_too(page: "Page") -> None:
    doubled = method(page, "/doubled")
    playwright.expect(doubled).to_contain_text("sent as application/json or application/x-npy")
    playwright.expect(doubled).to_contain_text("answered as application/json or application/x-npy")
    doubled.get_by_label("Request body").fill("[[1, 2]]")
    doubled.get_by_role("button", name="Send").click()
    playwright.expect(doubled.get_by_role("status")).to_contain_text("200")
    playwright.expect(doubled.locator("pre")).to_contain_text("4")


def test_bytes_are_sent_from_a_file_and_answered_as_one(page: "Page", tmp_path: Path) -> None:
    (tmp_path / "sent").write_bytes(b"\x00\xffabc")
    reverse = method(page, "/reverse")
    reverse.get_by_label("Request body").set_input_files(tmp_path / "sent")
    reverse.get_by_role("button", name="Send").click()
    playwright.expect(reverse.get_by_role("status")).to_contain_text("200")
    answer = reverse.get_by_role("link", name="5 bytes of application/octet-stream")
    with page.expect_download() as download:
        answer.click()
    assert Path(download.value.path()).read_bytes() == b"cba\xff\x00"


def test_no_file_at_all_is_a_body_of_no_bytes(page: "Page") -> None:
    reverse = method(page, "/reverse")
    reverse.get_by_role("button", name="Send").click()
    playwright.expect(reverse.get_by_role("status")).to_contain_text("200")


def test_text_and_objects_are_tried_as_before(page: "Page") -> None:
    shout = method(page, "/shout")
    shout.get_by_role("button", name="Send").click()
    playwright.expect(shout.locator("pre")).to_have_text('"TEXT"')
    classify = method(page, "/classify")
    classify.get_by_role("button", name="Send").click()
    playwright.expect(classify.locator("pre")).to_contain_text("APPROVED")
