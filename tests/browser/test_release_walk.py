"""An overdue measure on its way from the queue to two pages, in a browser: three clicks a signature."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from caseq.rules.approval import Line, Step
from caseq.rules.duties import StaffRole
from tests.browser.conftest import follow, serving
from tests.browser.test_console_looks import Bureau, served
from tests.service import PHONE, case, digits_of, event, party
from tests.staff import hired
from tests.web.test_review import CHECKS, MEASURE

pytestmark = pytest.mark.browser

FAMILY = "19911112222"
SIGNERS = (StaffRole.REVIEWER, StaffRole.LEADER)


@pytest.fixture
def bureau(sqlite_template: Path, tmp_path: Path) -> Iterator[Bureau]:
    """A bureau in which a detention waits, overdue, for the office and a leader."""
    service = served(sqlite_template, tmp_path)
    settings = service.runtime.settings
    chain = (Step.FIRST_REVIEW, Step.BUREAU_LEADER)
    settings = replace(settings, approval=replace(settings.approval, lines=(Line(None, None, chain),)))
    service.runtime = replace(service.runtime, settings=settings)
    staff = {role: hired(service, role) for role in SIGNERS}
    people = (party(), party("suspect_family", phone=FAMILY))
    service.push(event("case", case()), *(event("party", one) for one in people), event("milestone", MEASURE))
    service.clock.advance(days=2)
    with serving(service.app) as port:
        yield Bureau(service, f"http://127.0.0.1:{port}/staff", staff)
    service.runtime.database.close()


def previewed(page: Page, role: str) -> list[str]:
    """What the page of the change says that this role will see in addition."""
    panel = page.locator(".changes section", has=page.get_by_role("heading", name=role))
    return panel.locator("ins").all_inner_texts()


def shown(page: Page) -> list[str]:
    """What stands on the page of a party, in the words of a preview."""
    lines = [f"标题：{page.locator('h1').inner_text()}"]
    for entry in page.locator(".log > li").all():
        lines.append(f"记录：{entry.locator('.day').inner_text()} {entry.locator('h3').inner_text()}")
        lines += ["：".join(fact.locator("dt, dd").all_inner_texts()) for fact in entry.locator("dl > div").all()]
    return lines


def counting(page: Page) -> tuple[Callable[[str, str], None], list[str]]:
    clicked: list[str] = []

    def click(role: str, name: str) -> None:
        follow(page.get_by_role(role, name=name).first)  # type: ignore[arg-type]
        clicked.append(name)

    return click, clicked


def test_both_pages_show_what_the_preview_showed_and_the_sms_waits_ten_minutes(
    chromium: Browser, bureau: Bureau
) -> None:
    service, wanted = bureau.service, {}
    for role in SIGNERS:
        page = bureau.enter(chromium, role)
        click, clicked = counting(page)
        click("link", "待审核发布")
        assert "超期" in page.locator("tbody tr").first.inner_text()
        click("link", "审核 ")
        wanted = {name: previewed(page, name) for name in ("被害人", "嫌疑人家属")}
        for check in CHECKS:
            page.check(f"#{check}")
        click("button", "同意")
        assert len(clicked) == 3
        page.context.close()
    assert all(wanted.values())
    for name, phone in (("被害人", PHONE), ("嫌疑人家属", FAMILY)):
        page = chromium.new_context(locale="zh-CN", java_script_enabled=False).new_page()
        page.goto(bureau.url.replace("/staff", "/"))
        page.get_by_role("textbox").fill("A6401215100002026110012")
        follow(page.locator("main form button"))
        page.get_by_role("textbox").fill(phone)
        follow(page.locator("main form button"))
        service.work()
        page.get_by_role("textbox").fill(digits_of(service.messages(phone)[-1]))
        follow(page.locator("main form button").first)
        assert shown(page) == wanted[name]
        page.context.close()
    before = {phone: len(service.messages(phone)) for phone in (PHONE, FAMILY)}
    service.clock.advance(minutes=9)
    service.work()
    assert {phone: len(service.messages(phone)) for phone in before} == before
    service.clock.advance(minutes=1)
    service.work()
    assert {phone: len(service.messages(phone)) - 1 for phone in before} == before
