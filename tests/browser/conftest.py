"""A real Chromium, and a site in this process whose clock the test sets."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import BaseWSGIServer, make_server

from tests.service import CASE, PHONE, Clock, Service, case, digits_of, event, milestone, party
from tests.service import service as build_service

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ELSEWHERE = "https://elsewhere.example/"


@dataclass
class Site:
    """A served site on `url`, with a victim of one case in it."""

    service: Service
    url: str
    context: BrowserContext

    def visitor(self, path: str = "/") -> Page:
        page = self.context.new_page()
        page.goto(self.url + path)
        return page

    def ask(self, page: Page, phone: str = PHONE) -> None:
        """Steps 1 and 2, as a person does them."""
        page.goto(self.url)
        page.get_by_role("textbox").fill(CASE)
        page.locator("main form button").click()
        page.wait_for_url("**/method")
        page.get_by_role("textbox").fill(phone)
        page.locator("main form button").click()
        page.wait_for_url("**/code")

    def log_in(self, page: Page, phone: str = PHONE) -> None:
        self.ask(page, phone)
        self.service.work()
        page.get_by_role("textbox").fill(digits_of(self.service.messages(phone)[-1]))
        page.locator("main form button").first.click()
        page.wait_for_url("**/case")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed here")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=[False, True], ids=["without scripts", "with scripts"])
def scripts(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def context(chromium: Browser, scripts: bool) -> Iterator[BrowserContext]:
    """A phone; nothing it asks of other hosts leaves this machine."""
    phone = chromium.new_context(
        viewport={"width": 375, "height": 812}, locale="zh-CN", java_script_enabled=scripts, has_touch=True
    )
    phone.route(lambda url: not url.startswith("http://127.0.0.1"), lambda route: route.fulfill(body="elsewhere"))
    yield phone
    phone.close()


@pytest.fixture
def site(sqlite_template: Path, tmp_path: Path, context: BrowserContext) -> Iterator[Site]:
    shutil.copy(sqlite_template, tmp_path / "caseq.db")
    service = build_service(f"sqlite:///{tmp_path / 'caseq.db'}", tmp_path, Clock())
    service.push(event("case", case()), event("milestone", milestone()), event("party", party(sms=False)))
    server = make_server("127.0.0.1", 0, service.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield Site(service, f"http://127.0.0.1:{port_of(server)}", context)
    finally:
        server.shutdown()
        thread.join()
        service.runtime.database.close()


def port_of(server: BaseWSGIServer) -> int:
    return int(server.socket.getsockname()[1])
