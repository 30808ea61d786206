"""A real Chromium, and a site in this process whose clock the test sets."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from wsgiref.types import WSGIApplication

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from werkzeug import Response
from werkzeug.serving import WSGIRequestHandler, make_server

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

# A busy machine is slow, not wrong.
expect.set_options(timeout=20_000)


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
        follow(page.locator("main form button"))
        page.wait_for_url("**/method")
        page.get_by_role("textbox").fill(phone)
        follow(page.locator("main form button"))
        page.wait_for_url("**/code")

    def log_in(self, page: Page, phone: str = PHONE) -> None:
        self.ask(page, phone)
        self.service.work()
        page.get_by_role("textbox").fill(digits_of(self.service.messages(phone)[-1]))
        follow(page.locator("main form button").first)
        page.wait_for_url("**/case")


def follow(element: Locator) -> None:
    """Clicks and waits until the next page is whole: a click alone returns while half of it may still be on its way."""
    with element.page.expect_navigation():
        element.click()


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
    """A phone."""
    phone = chromium.new_context(
        viewport={"width": 375, "height": 812}, locale="zh-CN", java_script_enabled=scripts, has_touch=True
    )
    yield phone
    phone.close()


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[str]:
    """The neutral site of somebody else, on another host name."""
    with serving(Response("<title>Weather</title>Sunny", mimetype="text/html")) as port:
        yield f"http://localhost:{port}/"


@pytest.fixture
def site(sqlite_template: Path, tmp_path: Path, context: BrowserContext, elsewhere: str) -> Iterator[Site]:
    with served_case(sqlite_template, tmp_path, elsewhere) as (service, url):
        yield Site(service, url, context)


@contextmanager
def served_case(template: Path, folder: Path, elsewhere: str) -> Iterator[tuple[Service, str]]:
    """A served service with a victim of one case; leaving goes to `elsewhere`."""
    shutil.copy(template, folder / "caseq.db")
    service = build_service(f"sqlite:///{folder / 'caseq.db'}", folder, Clock())
    settings = service.runtime.settings
    settings = replace(settings, bureau=replace(settings.bureau, leave_to=elsewhere))
    service.runtime = replace(service.runtime, settings=settings)
    service.push(event("case", case()), event("milestone", milestone()), event("party", party(sms=False)))
    with serving(service.app) as port:
        yield service, f"http://127.0.0.1:{port}"
    service.runtime.database.close()


@contextmanager
def serving(app: WSGIApplication) -> Iterator[int]:
    """Serves the application on a free port of this machine."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield int(server.socket.getsockname()[1])
    finally:
        server.shutdown()
        thread.join()


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """The service logs for itself."""
