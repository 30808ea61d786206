"""How the desks of the bureau look: nothing for axe to find, at 320 and 375 px and in the dark too; keyboard order."""

import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from caseq import counter, paper
from caseq.rules.duties import StaffRole
from caseq.rules.papers import Paper
from tests.browser.conftest import follow, serving
from tests.browser.test_looks import SIDEWAYS, SMALL_TARGETS
from tests.service import CASE, PHONE, Clock, case, event, milestone, party
from tests.service import service as build_service
from tests.staff import PASSWORD, code, hired

PETITION = {"case": "XF-2026-0007", "source": "petition"}
RESULT = {"details": {"result": "explained"}}


def is_fine(page: Page) -> None:
    """Nothing for axe to find; nothing sideways at 320 px; every target large enough."""
    page.wait_for_load_state()  # a page without its style yet has other colours
    assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in Axe().run(page).response["violations"]] == []
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate(SIDEWAYS) == 0, page.url
    assert page.evaluate(SMALL_TARGETS, 44) == [], page.url
    page.set_viewport_size({"width": 375, "height": 812})


@pytest.fixture(scope="module")
def desks(sqlite_template, tmp_path_factory):
    """(service, address, clerk) with a case, a petition and a number that waits."""
    folder = tmp_path_factory.mktemp("desks")
    shutil.copy(sqlite_template, folder / "caseq.db")
    service = build_service(f"sqlite:///{folder / 'caseq.db'}", folder, Clock())
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    made = [milestone("petition_result", key=f"M{n}", **RESULT) for n in range(2)]
    of_petition = [("case", case("petition")), ("party", party("petitioner")), *(("milestone", one) for one in made)]
    service.push(*(event(type_, data, **PETITION) for type_, data in of_petition), source="petition")
    clerk, other = (hired(service, StaffRole.WINDOW_CLERK) for _ in range(2))
    counter.ask_number(service.runtime, other, 1, [Paper.IDENTITY_CARD], "19944445555")
    with serving(service.app) as port:
        yield service, f"http://127.0.0.1:{port}/staff", clerk
    service.runtime.database.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_of_the_desks_is_fine(chromium, desks, scheme):
    service, url, clerk = desks
    issued = paper.print_sheet(service.runtime, CASE, "P-victim", "甲", "没有手机")
    assert isinstance(issued, paper.Issued)
    service.clock.advance(seconds=30)
    size = {"width": 375, "height": 812}
    context = chromium.new_context(viewport=size, color_scheme=scheme, bypass_csp=True, locale="zh-CN")
    page = context.new_page()

    def send(button=0, /, **typed):
        for name, value in typed.items():
            page.locator(f"main form [name={name}]").first.fill(value)
        follow(page.locator("main form button").nth(button))
        is_fine(page)

    page.goto(url + "/sign-in")
    send(badge=clerk.badge, password=PASSWORD, code=code(service, clerk.badge))
    page.goto(url + "/desk")
    is_fine(page)
    send(case_number=CASE, reason="当事人当面询问")
    send(1)
    page.goto(url + "/phone")
    send(case_number=CASE, code="111111111111")
    send(case_number=CASE, code=issued.lines[0].keypad)
    page.goto(url + "/phone")
    page.fill("#sms-number", CASE)
    page.fill("#phone", PHONE)
    send(1)
    page.goto(url + "/counter")
    send(case_number=CASE)
    send(1)
    page.locator("[name=paper]").first.check()
    send()
    page.check("#receipt-codes")
    follow(page.get_by_role("button", name="在网页上打印"))
    assert page.locator(".strip tbody tr").count() == 10
    is_fine(page)
    for path in ("/counter/numbers", "/delivery"):
        page.goto(url + path)
        is_fine(page)
    if scheme == "light":
        send(document_number="7号")
    context.close()


def test_the_keyboard_goes_through_a_desk_in_the_order_in_which_it_is_read(chromium, desks):
    service, url, clerk = desks
    service.clock.advance(seconds=30)
    page = chromium.new_context(locale="zh-CN").new_page()
    page.goto(url + "/sign-in")
    for name, value in (("badge", clerk.badge), ("password", PASSWORD), ("code", code(service, clerk.badge))):
        page.fill(f"[name={name}]", value)
    follow(page.locator("main form button"))
    page.goto(url + "/desk")
    passed = []
    for _ in range(8):
        page.keyboard.press("Tab")
        passed.append(page.evaluate("document.activeElement.name || document.activeElement.innerText"))
    assert passed == ["跳到正文", clerk.name, "退出", "首页", "case_number", "phone", "reason", "查看"]
