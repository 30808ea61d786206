"""Whole walks through the site in Chromium, with scripts off and on."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site, follow
from tests.service import CASE, PHONE, digits_of, event, milestone

pytestmark = pytest.mark.browser

FINISH_ANIMATIONS = "document.getAnimations().forEach(a => { a.currentTime = 60000; })"


def test_from_the_number_on_the_receipt_to_the_case_and_out(site: Site):
    page = site.visitor()
    assert page.title() == "案件编号（第 1 步，共 3 步） - 案件进展查询"
    site.log_in(page)
    assert page.title() == "结果 - 进展查询"
    expect(page.get_by_role("heading", level=1)).to_have_text("已经立案，正在调查")
    expect(page.locator("main")).to_contain_text(CASE)
    assert page.locator("[aria-current=step]").count() == 1
    follow(page.get_by_role("button", name="退出查询").first)
    expect(page.get_by_role("heading", level=1)).to_have_text("已经退出")
    page.go_back()
    expect(page.locator("body")).not_to_contain_text(CASE)


def test_nothing_typed_ever_stands_in_the_address(site: Site):
    page = site.context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.extend([request.url, request.headers.get("referer", "")]))
    site.log_in(page)
    assert asked
    assert not any(CASE in text or PHONE in text for text in asked)


def test_no_page_breaks_the_content_security_policy(site: Site):
    page = site.context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    site.log_in(page)
    page.goto(f"{site.url}/help")
    page.goto(f"{site.url}/signed-out")
    assert said == []


def test_a_wrong_code_takes_the_reader_to_what_is_wrong(site: Site):
    page = site.context.new_page()
    site.ask(page)
    page.get_by_role("textbox").fill("1111 2222")
    follow(page.locator("main form button").first)
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("link", name="验证码对不上").click()
    expect(page.get_by_role("textbox")).to_have_value("1111 2222")
    assert page.title().startswith("出错了：")


def test_the_button_for_another_sms_appears_after_the_pause(site: Site):
    page = site.context.new_page()
    site.ask(page)
    button, wait = page.get_by_role("button", name="再发一次短信"), page.locator(".wait")
    expect(button).to_be_hidden()
    expect(wait).to_be_visible()
    expect(wait).to_contain_text("12:01")
    page.evaluate(FINISH_ANIMATIONS)
    expect(button).to_be_visible()
    expect(wait).to_be_hidden()
    site.service.clock.advance(seconds=61)
    follow(button)
    site.service.work()
    assert len(site.service.messages(PHONE)) == 2


def test_a_page_reloaded_in_the_pause_waits_only_for_the_rest(site: Site):
    page = site.context.new_page()
    site.ask(page)
    site.service.clock.advance(seconds=40)
    page.reload()
    expect(page.locator(".again")).to_have_class(re.compile("w30"))
    elapsed = page.evaluate("document.getAnimations()[0].effect.getComputedTiming().delay")
    assert elapsed == -30000
    site.service.clock.advance(seconds=25)
    page.reload()
    expect(page.get_by_role("button", name="再发一次短信")).to_be_visible()


def test_leaving_shows_another_site_and_back_shows_no_case(site: Site, elsewhere: str):
    page = site.context.new_page()
    site.log_in(page)
    page.get_by_role("link", name="快速离开").click()
    page.wait_for_url(elsewhere)
    page.go_back()
    page.wait_for_load_state()
    expect(page.locator("body")).not_to_contain_text(CASE)
    page.goto(f"{site.url}/case")
    expect(page.locator("body")).not_to_contain_text(CASE)


def test_pressing_leave_blanks_the_case_before_anything_is_loaded(site: Site):
    page = site.context.new_page()
    site.log_in(page)
    expect(page.locator("main h1")).to_be_visible()
    page.get_by_role("link", name="快速离开").hover()
    page.mouse.down()
    expect(page.locator("main h1")).to_be_hidden()


def test_shift_three_times_leaves_where_scripts_run(site: Site, elsewhere: str, scripts: bool):
    if not scripts:
        pytest.skip("needs scripts")
    page = site.context.new_page()
    site.log_in(page)
    for _ in range(3):
        page.keyboard.press("Shift")
    page.wait_for_url(elsewhere)


def test_a_step_taken_back_loses_its_tick_at_the_next_look(site: Site):
    later = milestone("transferred_for_prosecution_review", "M-sent", occurred_on="2026-11-23")
    site.service.push(event("milestone", later))
    page = site.context.new_page()
    site.log_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("案件已经移送检察院")
    site.service.push(event("withdrawal", {"record": "milestone", "key": "M-sent", "reason": "退回"}, sequence="2"))
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("已经立案，正在调查")
    expect(page.locator(".track .done")).to_have_count(1)


def test_everything_can_be_reached_by_keyboard_and_is_not_hidden_by_the_bar(site: Site):
    page = site.context.new_page()
    site.log_in(page)
    bar = page.locator(".bar").bounding_box()
    assert bar
    names = []
    while True:
        page.keyboard.press("Tab")
        name, top, is_fixed = page.evaluate(
            "(() => { const e = document.activeElement, r = e.getBoundingClientRect();"
            " return [e === document.body ? '' : e.textContent.trim(), r.top, !!e.closest('.bar, .head, .skip')]; })()"
        )
        if not name:
            break
        names.append(name)
        assert is_fixed or top >= bar["height"] - 1, name
    assert "快速离开" in names
    assert any("打电话给办案单位" in name for name in names)


def test_the_same_walk_through_real_processes(served, chromium):
    """`caseq serve` and `caseq worker`, as they run in production, and no script in the browser."""
    from tests.service import case, party

    served.push(event("case", case()), event("milestone", milestone()), event("party", party(sms=False)))
    context = chromium.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(served.url)
    page.get_by_label("What is your case number?").fill(CASE.lower())
    follow(page.get_by_role("button", name="Continue"))
    page.get_by_label("Registered mobile number").fill(PHONE)
    follow(page.get_by_role("button", name="Continue"))
    page.get_by_label("Code").fill(digits_of(served.wait_for_sms(PHONE, 1)))
    follow(page.get_by_role("button", name="See the progress"))
    expect(page.get_by_role("heading", level=1)).to_have_text("The case was opened and is being investigated")
    context.close()
