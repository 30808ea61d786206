"""How every page of the console looks, with something on it: axe, 320, 375 and 1280 px, light and dark, keyboard.

Set CASEQ_TEST_PICTURES to a folder to get a picture of each page at both widths.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page

from caseq import chaining, voicing, watching
from caseq.intake import alerting
from caseq.rules.approval import Line, Step
from caseq.rules.duties import Staff, StaffRole
from caseq.rules.telling import Channel, Manner
from caseq.rules.telling import Line as Told
from caseq.rules.voices import About
from tests.browser.conftest import follow, serving
from tests.browser.test_desk_looks import is_fine
from tests.browser.test_looks import SIDEWAYS
from tests.service import CASE, Clock, Service, case, event, milestone, party
from tests.service import service as build_service
from tests.staff import PASSWORD, UNIT_CODE, code, hired, post, signed_in, signed_in_as
from tests.web.test_review import CHECKS, MEASURE, hidden

pytestmark = pytest.mark.browser

Scheme = Literal["light", "dark"]
PICTURES = os.environ.get("CASEQ_TEST_PICTURES", "")
QUEUE = "/staff/queue"
ROLES = {
    StaffRole.WINDOW_CLERK: None,
    StaffRole.UNIT: UNIT_CODE,
    StaffRole.REVIEWER: None,
    StaffRole.LEADER: None,
    StaffRole.AUDITOR: None,
    StaffRole.ADMINISTRATOR: None,
}
#: What each of them opens; the pages of the counter, the phone and the case desk are in test_desk_looks.
PAGES = {
    StaffRole.WINDOW_CLERK: ("", "/tasks", "/tasks?done=told", "/prove?back=/staff"),
    StaffRole.UNIT: ("", "/queue", "/queue/1", "/tasks", "/inbox", "/inbox/1", "/inbox/2"),
    StaffRole.REVIEWER: (
        *("", "/queue", "/queue?near=overdue", "/queue/1", "/queue/2", "/queue/3", "/queue/4", "/queue/delegations"),
        *("/supervision", "/supervision/1", "/freshness", "/report"),
    ),
    StaffRole.LEADER: ("", "/queue", "/queue/2", "/queue/delegations", "/counter/numbers", "/inbox", "/report"),
    StaffRole.AUDITOR: ("", "/audit", f"/audit?case_number={CASE}", "/audit?badge=x", "/report"),
    StaffRole.ADMINISTRATOR: ("", "/people", "/quarantine", "/freshness"),
}
#: The button, from the top of the page, that brings up what a form says when nothing was filled in.
FAULTS = {
    StaffRole.UNIT: ("/inbox/2",),
    StaffRole.REVIEWER: ("/queue/delegations", "/queue/2"),
    StaffRole.AUDITOR: ("/audit",),
    StaffRole.ADMINISTRATOR: ("/people",),
}
OPEN = "document.querySelectorAll('details').forEach(e => e.open = true)"
FOCUSABLE = """() => [...document.querySelectorAll(
    'a[href], button, input:not([type=hidden]), select, textarea, summary')]
  .filter(e => e.checkVisibility() && !e.disabled)
  .filter((e, n, all) => e.type !== 'radio' || all.findIndex(o => o.name === e.name && o.form === e.form) === n)
  .map(e => e.dataset.stop = String(Math.random()).slice(2, 6) + e.outerHTML.slice(0, 60))"""
FOCUSED = """() => {
  const e = document.activeElement, box = e.getBoundingClientRect();
  const seen = e.matches('.choice > input') ? e.parentElement : e;
  const ring = getComputedStyle(seen).outlineStyle !== 'none' || getComputedStyle(e).outlineStyle !== 'none'
    || [...seen.querySelectorAll('label')].some(l => getComputedStyle(l).outlineStyle !== 'none');
  return [e.dataset.stop || (e === document.body ? 'BODY' : ''), ring && box.bottom > 0 && box.top < innerHeight];
}"""


@dataclass
class Bureau:
    """A served console in which everything has something to show, and somebody for each role."""

    service: Service
    url: str
    staff: dict[StaffRole, Staff]

    def enter(self, chromium: Browser, role: StaffRole, scheme: Scheme = "light") -> Page:
        page = chromium.new_context(color_scheme=scheme, bypass_csp=True, locale="zh-CN").new_page()
        badge = self.staff[role].badge
        self.service.clock.advance(seconds=30)
        page.goto(self.url + "/sign-in")
        for name, value in (("badge", badge), ("password", PASSWORD), ("code", code(self.service, badge))):
            page.fill(f"[name={name}]", value)
        follow(page.locator("main form button"))
        page.wait_for_url("**/staff")
        return page

    def check(self, page: Page, name: str, width: int) -> None:
        """What a page must be at this width; a picture of it where pictures are wanted."""
        page.set_viewport_size({"width": width, "height": 812})
        if width < 400:
            is_fine(page)
        else:
            assert Axe().run(page).response["violations"] == [], page.url
            assert page.evaluate(SIDEWAYS) == 0, page.url
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=f"{PICTURES}/{name}-{width}.png", full_page=True)


def served(database: Path, folder: Path) -> Service:
    shutil.copy(database, folder / "caseq.db")
    return build_service(f"sqlite:///{folder / 'caseq.db'}", folder, Clock())


@pytest.fixture(scope="module")
def bureau(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    """A bureau in the middle of its day."""
    service = served(sqlite_template, tmp_path_factory.mktemp("console"))
    settings = service.runtime.settings
    chain = (Step.FIRST_REVIEW, Step.BUREAU_LEADER)
    family = party("suspect_family", phone="19911112222")
    told = Told(None, None, Manner(Channel.IN_PERSON, timedelta(), None, tell_first=False))
    approval = replace(settings.approval, lines=(Line(None, None, chain),))
    settings = replace(settings, approval=approval, telling=(told,))
    service.runtime = replace(service.runtime, settings=settings)
    staff = {role: hired(service, role, unit) for role, unit in ROLES.items()}
    service.push(event("case", case()), event("party", party()), event("party", family))
    speak(service)
    fill_queue(service, staff)
    service.push(event("party", party(officer="某人")), {"id": 1})
    watching.beat(service.runtime, "worker 1")
    alerting.alert(service.runtime)
    chaining.link(service.runtime)
    with serving(service.app) as port:
        yield Bureau(service, f"http://127.0.0.1:{port}/staff", staff)
    service.runtime.database.close()


def fill_queue(service: Service, staff: dict[StaffRole, Staff]) -> None:
    """Change 1 is returned, 2 waits overdue, 3 is withheld, 4 can still be undone, 5 waits for the leader, 6 is new."""
    for n in range(1, 6):
        service.push(event("milestone", {**MEASURE, "milestone": f"M-{n}"}))
    service.clock.advance(days=2)
    reviewer, leader = (signed_in_as(service, staff[role]) for role in (StaffRole.REVIEWER, StaffRole.LEADER))

    def agree(client: FlaskClient, n: int) -> None:
        page = client.get(f"{QUEUE}/{n}").get_data(as_text=True)
        fields = {"step": hidden(page, "step"), "mark": hidden(page, "mark"), **CHECKS}
        assert post(client, f"{QUEUE}/{n}/agree", page=f"{QUEUE}/{n}", **fields).status_code == 303

    until = (service.clock() + timedelta(days=30)).date().isoformat()
    why = {"ground": "safety", "until": until, "reason": "保护证人"}
    post(reviewer, f"{QUEUE}/1/return", page=f"{QUEUE}/1", step="0", reason="日期和文书对不上，请核对")
    post(reviewer, f"{QUEUE}/3/withhold", page=f"{QUEUE}/3", step="0", **why)
    for n in (4, 5):
        agree(reviewer, n)
    agree(leader, 4)
    today = service.clock().date()
    term = {"since": today.isoformat(), "until": (today + timedelta(days=3)).isoformat(), "reason": "出差"}
    post(reviewer, f"{QUEUE}/delegations", page=f"{QUEUE}/delegations", badge=staff[StaffRole.LEADER].badge, **term)
    service.push(event("milestone", milestone("case_filed")))


def speak(service: Service) -> None:
    """A rating, a complaint that is answered and goes on, and one that waits."""
    token = str(service.log_in())
    voicing.rate(service.runtime, token, 2, "希望快一点")
    voicing.complain(service.runtime, token, About.LATE, "等了一个月没有人回我\n第二行")
    unit = signed_in(service, StaffRole.UNIT, UNIT_CODE)
    assert post(unit, "/staff/inbox/1", page="/staff/inbox/1", text="已经联系您了").status_code == 303
    voicing.go_on(service.runtime, token, 1, "没有解决")
    service.clock.advance(days=1)
    voicing.complain(service.runtime, str(service.log_in()), About.LATE, "还是没有人回我")


@pytest.mark.parametrize(("scheme", "width"), [("dark", 375), ("light", 1280)])
@pytest.mark.parametrize("role", PAGES)
def test_every_page_of_the_console_is_fine(
    chromium: Browser, bureau: Bureau, role: StaffRole, scheme: Scheme, width: int
) -> None:
    page = bureau.enter(chromium, role, scheme)
    for path in PAGES[role]:
        answer = page.goto(bureau.url + path)
        assert answer
        assert answer.ok or path.endswith("badge=x"), path
        page.evaluate(OPEN)
        bureau.check(page, f"{role}{path.replace('/', '-').replace('?', '-')}", width)
    for path in FAULTS.get(role, ()):
        page.goto(bureau.url + path)
        page.evaluate(OPEN)
        page.evaluate("document.querySelectorAll('[required]').forEach(e => e.required = false)")
        page.evaluate(OPEN)
        follow(page.locator("main form button").last)
        assert page.locator(".faults").count() == 1, path
        bureau.check(page, f"{role}{path.replace('/', '-')}-fault", width)
    page.context.close()


@pytest.mark.parametrize(("scheme", "width"), [("dark", 375), ("light", 1280)])
def test_the_way_of_a_new_member_of_the_staff_is_fine(
    chromium: Browser, bureau: Bureau, scheme: Scheme, width: int
) -> None:
    page = bureau.enter(chromium, StaffRole.ADMINISTRATOR, scheme)
    page.goto(bureau.url + "/people")
    badge = f"7700{width}"
    page.fill("#badge", badge)
    page.fill("#name", "示例民警")
    page.check("#role-window_clerk")
    follow(page.get_by_role("button", name="加上"))
    bureau.check(page, "first-password", width)
    first = page.locator(".key.number").inner_text()
    follow(page.get_by_role("button", name="退出"))
    page.wait_for_url("**/sign-in")
    bureau.check(page, "sign-in", width)
    page.fill("[name=badge]", badge)
    page.fill("[name=password]", first)
    follow(page.locator("main form button"))
    page.wait_for_url("**/enrol")
    bureau.check(page, "enrol", width)
    page.context.close()


@pytest.mark.parametrize("role", PAGES)
def test_the_keyboard_reaches_everything_in_the_order_in_which_it_is_read(
    chromium: Browser, bureau: Bureau, role: StaffRole
) -> None:
    page = bureau.enter(chromium, role)
    for path in PAGES[role]:
        page.goto(bureau.url + path)
        if page.locator("[autofocus]").count():
            continue  # begins at what is wrong, on purpose
        page.evaluate(OPEN)
        wanted = page.evaluate(FOCUSABLE)
        reached: list[str] = []
        for _ in range(4 * len(wanted)):  # a field for a day is left with several strokes
            page.keyboard.press("Tab")
            stop, is_seen = page.evaluate(FOCUSED)
            if stop == "BODY" or stop in reached[:1]:
                break
            if stop and stop not in reached[-1:]:  # a wide table that scrolls has no name of its own
                assert is_seen, (path, stop)
                reached.append(stop)
        assert reached == wanted, path
    page.context.close()
