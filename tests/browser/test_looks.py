"""How every page looks and reads: axe, narrow screens, big text, dark and forced colours, touch targets, print."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask, render_template, request
from playwright.sync_api import Browser, Page

from caseq import voicing
from caseq.rules.disclosure import TransferView
from caseq.rules.voices import About
from caseq.settings import policy_of
from caseq.store.preferences import Account, Preferences
from caseq.web import account, casepage, fields, policypage
from caseq.web.browser import Steps, page_words
from caseq.web.language import words
from caseq.web.region import Came
from tests.browser.conftest import Site, follow, served_case, serving
from tests.service import CASE, PHONE, Service
from tests.web.pagesamples import COURSES, html_of, view_of

pytestmark = pytest.mark.browser

SIDES = ("complainant", "victim", "victim_family", "suspect", "suspect_family", "agent", "third_party")
#: (kind, role, course): every role once, and one role of each side in every shape of page.
CASES = [
    *(("criminal", role, 3) for role in SIDES),
    *(("criminal", role, course) for role in ("victim", "suspect_family") for course in (0, 4, 5)),
    *(("administrative", role, 6) for role in SIDES),
    *(("administrative", role, course) for role in ("complainant", "suspect") for course in (0, 5)),
    *(("trade", "trade_member", course) for course in (0, 1)),
]
#: The walk to every state of the three steps: what is typed on each page in turn.
STATES = {
    "start": [],
    "start, wrong": ["A123"],
    "method": [CASE],
    "method, wrong": [CASE, "139"],
    "code": [CASE, PHONE],
    "code, wrong": [CASE, PHONE, "00000000"],
    "paused": [CASE, PHONE, *["00000000"] * 5],
}
TRANSFERRED = ("/sample/transferred/all", "/sample/transferred/nothing")
CAME = ("/sample/refused", *(f"/sample/came/{page}" for page in ("start", "method", "signed-out", "timeout")))
OWN = (
    *(f"/sample/own-code/{way}/{typed}" for way in ("paper", "app") for typed in ("-", "12")),
    *(f"/sample/preferences/{saved}" for saved in (0, 1)),
    "/sample/preferences/0?fault=1",
    *(f"/sample/authenticator/{state}" for state in ("none", "begun", "fault", "has_app", "done", "not_fresh")),
)
STATIC = (
    "/help",
    "/what-you-can-see",
    "/sms",
    "/performance",
    "/signed-out",
    "/timeout",
    "/no-such-page",
    *TRANSFERRED,
    *CAME,
)
LOOKS = [("zh", "light"), ("en", "dark")]

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL_TARGETS = """least => [...document.querySelectorAll('a, button, input:not([type=hidden]), summary')].filter(e => {
  const box = e.getBoundingClientRect(), parent = e.parentElement;
  const inText = e.matches('p a, li a, dd a') && parent.textContent.trim() !== e.textContent.trim()
    && getComputedStyle(e).display === 'inline';
  const isOfCard = e.matches('.choice > input');
  return box.width && !e.matches('.skip') && !inText && !isOfCard && (box.height < least - .5 || box.width < 44);
}).map(e => e.outerHTML.slice(0, 90))"""


@pytest.fixture(scope="module")
def shown(sqlite_template, tmp_path_factory, elsewhere) -> Iterator[tuple[Service, str]]:
    """A service that also shows the sample cases and the error pages, each under an address of its own."""
    with served_case(sqlite_template, tmp_path_factory.mktemp("looks"), elsewhere) as (service, _):
        add_samples(service.app, service)
        with serving(service.app) as port:
            yield service, f"http://127.0.0.1:{port}"


def add_samples(app: Flask, service: Service) -> None:
    app._got_first_request = False  # Flask would refuse new routes, this app has answered pushes already.

    @app.get("/sample/<kind>/<role>/<int:course>/<language>")
    def sample(kind: str, role: str, course: int, language: str) -> str:
        return html_of(service, view_of(service, kind, role, COURSES[kind][course], language), language)

    @app.get("/sample/transferred/<what>")
    def transferred(what: str) -> str:
        to = {"name": "示例市公安局", "phone": "0951-8022000", "on": "2026-11-20"} if what == "all" else {}
        view = replace(view_of(service, "criminal", "victim", []), transferred_to=TransferView(to, "四(二)1(1)"))
        page = casepage.transfer(view, page_words())
        return render_template("pages/transferred.html", view=view, page=page, signed_in=True)

    @app.get("/sample/came/<page>")
    def came(page: str) -> str:
        title = {"zh": "示例省公安厅统一查询平台", "en": "Query system of the province of Shili"}
        back = Came(back="https://query.example.org/progress/", title=title)
        return render_template(f"pages/{page}.html", came=back, typed=CASE, steps=Steps(CASE))

    @app.get("/sample/refused")
    def refused() -> str:
        return render_template("pages/start.html", came=Came(is_refused=True), typed="")

    @app.get("/sample/own-code/<way>/<typed>")
    def own_code(way: str, typed: str) -> str:
        said = {} if typed == "-" else {"typed": typed, "fault": fields.own_code_fault(way, typed)}
        return render_template("pages/own-code.html", steps=Steps(CASE, way=way), **said)

    @app.get("/sample/preferences/<int:saved>")
    def preferences(saved: int) -> str:
        wishes = Preferences(sms=bool(saved), safe_contact="只在上午打")
        mine = Account(wishes, "5678" if saved else "", has_app=bool(saved), sessions=2)
        return render_template(
            "pages/preferences.html",
            account=mine,
            saved=bool(saved),
            sample="【示例】x",
            night=service.runtime.settings.telling[-1].manner.quiet,
            fault=fields.phrase_fault("zh") if request.args.get("fault") else None,
            signed_in=True,
        )

    @app.get("/sample/authenticator/<state>")
    def authenticator(state: str) -> str:
        begun = {
            "secret": "D3NH 4BWD GDD6 QPTV DA6R D3L4 O5G6 J7L7",
            "qr": account.qr_of("otpauth://totp/caseq?secret=D3"),
        }
        known = {"fault": fields.own_code_fault("app", "12345678")} if state == "fault" else {state: True}
        more = begun if state == "begun" else {}
        return render_template("pages/authenticator.html", signed_in=True, **{**known, **more})

    @app.get("/sample/error/<int:status>")
    def error(status: int) -> str:
        return render_template("pages/error.html", status=status)


@pytest.fixture(scope="module", params=LOOKS, ids=[" ".join(look) for look in LOOKS])
def look(request: pytest.FixtureRequest, chromium: Browser, shown) -> Iterator[tuple[Page, str, str]]:
    """(page, address, language) in one language and colour scheme."""
    language, scheme = request.param
    context = chromium.new_context(viewport={"width": 375, "height": 812}, color_scheme=scheme, bypass_csp=True)
    context.add_cookies([{"name": "caseq-lang", "value": language, "url": shown[1]}])
    yield context.new_page(), shown[1], language
    context.close()


def is_fine(page: Page) -> None:
    """Nothing for axe to find; nothing sideways at 320 px, normal or big; every target large enough."""
    page.wait_for_load_state()  # a page without its style yet has other colours
    assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in Axe().run(page).response["violations"]] == []
    page.set_viewport_size({"width": 320, "height": 640})
    for least in (44, 60):
        assert page.evaluate(SIDEWAYS) == 0, page.url
        assert page.evaluate(SMALL_TARGETS, least) == [], page.url
        page.evaluate("document.documentElement.classList.add('big')")
    page.set_viewport_size({"width": 375, "height": 812})


@pytest.mark.parametrize(("kind", "role", "course"), CASES)
def test_every_case_page_is_fine(look, kind, role, course):
    page, url, language = look
    page.goto(f"{url}/sample/{kind}/{role}/{course}/{language}")
    is_fine(page)


@pytest.mark.parametrize("state", STATES)
def test_every_step_is_fine(look, state):
    page, url, _ = look
    page.context.clear_cookies(name="caseq-steps")
    page.goto(url)
    for typed in STATES[state]:
        page.get_by_role("textbox").fill(typed)
        follow(page.locator("main form button").first)
    is_fine(page)


@pytest.mark.parametrize("path", [*STATIC, *(f"/sample/error/{s}" for s in (400, 403, 404, 405, 429, 500, 503))])
def test_every_other_page_is_fine(look, path):
    page, url, _ = look
    page.goto(url + path)
    is_fine(page)


@pytest.mark.parametrize("path", OWN)
def test_every_page_of_the_ways_in_without_sms_is_fine(look, path):
    page, url, _ = look
    page.goto(url + path)
    is_fine(page)
    page.set_viewport_size({"width": 1280, "height": 900})
    assert [(v["id"], v["nodes"][0]["html"][:120]) for v in Axe().run(page).response["violations"]] == []
    page.set_viewport_size({"width": 375, "height": 812})


@pytest.mark.parametrize("text", ["", "请点击 http://a.example.top", "明天下午三点来所里一趟", "OURS"])
def test_every_answer_about_a_message_is_fine(look, shown, text):
    page, url, _ = look
    wording = shown[0].runtime.settings.wording
    page.goto(f"{url}/sms")
    page.get_by_role("textbox").fill(text.replace("OURS", wording.written("news", "zh", {}).text))
    follow(page.locator("main form button").first)
    assert page.locator(".faults" if not text else "[role=status]").count() == 1
    is_fine(page)
    page.set_viewport_size({"width": 1280, "height": 900})
    assert [(v["id"], v["nodes"][0]["html"][:120]) for v in Axe().run(page).response["violations"]] == []
    page.set_viewport_size({"width": 375, "height": 812})


def test_the_policy_is_cards_on_a_phone_and_tables_on_a_desk(look):
    page, url, _ = look
    page.goto(f"{url}/what-you-can-see")
    head, cell = page.locator(".cards thead tr").first, page.locator(".cards td").first
    for width, is_table in ((375, False), (1280, True)):
        page.set_viewport_size({"width": width, "height": 900})
        assert [(v["id"], v["nodes"][0]["html"][:120]) for v in Axe().run(page).response["violations"]] == []
        assert page.evaluate(SIDEWAYS) == 0
        assert cell.evaluate("e => getComputedStyle(e, '::before').content !== 'none'") is not is_table
        assert (head.bounding_box() or {"width": 0})["width"] > 300 or not is_table
    page.set_viewport_size({"width": 375, "height": 812})


def test_the_policy_as_a_file_is_fine(look, tmp_path):
    page, _, language = look
    policy = policy_of({})
    path = tmp_path / "policy.html"
    path.write_text(policypage.document(policy, words(language)), encoding="utf-8")
    page.goto(path.as_uri())
    for width in (375, 1280):
        page.set_viewport_size({"width": width, "height": 812})
        assert [(v["id"], v["nodes"][0]["html"][:120]) for v in Axe().run(page).response["violations"]] == []
        assert page.evaluate(SIDEWAYS) == 0
    page.set_viewport_size({"width": 375, "height": 812})


@pytest.mark.parametrize("scripts", [True], indirect=True, ids=[""])
def test_signing_out_is_asked_on_a_page_that_is_fine(site: Site):
    page = site.context.new_page()
    site.log_in(page)
    page.goto(f"{site.url}/sign-out")
    is_fine(page)
    follow(page.locator("main").get_by_role("button"))
    page.wait_for_url("**/signed-out")


@pytest.mark.parametrize("scripts", [False], indirect=True, ids=[""])
def test_how_somebody_was_told_is_a_link_of_the_case_and_a_page_that_is_fine(site: Site):
    page = site.context.new_page()
    site.log_in(page)
    follow(page.get_by_role("link", name="怎样告知您的"))
    page.wait_for_url("**/case/notices")
    assert page.evaluate(SIDEWAYS) == 0
    assert page.get_by_role("heading", name="立案").is_visible()
    page.set_viewport_size({"width": 1280, "height": 900})
    assert page.evaluate(SIDEWAYS) == 0
    page.emulate_media(media="print")
    assert page.locator(".leave, button").filter(visible=True).count() == 0
    assert page.locator(".qr svg").is_visible()


@pytest.mark.parametrize("path", ["/case/notices", "/case/looks"])
def test_what_a_party_reads_beside_its_case_is_fine(look, shown, path):
    page, url, _ = look
    service, _ = shown
    service.clock.advance(days=1)
    page.context.add_cookies([{"name": "caseq", "value": str(service.log_in()), "url": url}])
    for width in (1280, 375):
        page.set_viewport_size({"width": width, "height": 812})
        page.goto(url + path)
        assert page.locator(".log > li" if path == "/case/notices" else "h1").count() == 1
        assert [(v["id"], v["nodes"][0]["html"][:120]) for v in Axe().run(page).response["violations"]] == []
        assert page.evaluate(SIDEWAYS) == 0
    is_fine(page)
    page.context.clear_cookies(name="caseq")


@pytest.mark.parametrize("path", ["/case/rating", "/case/complaint"])
def test_the_pages_on_which_a_party_speaks_are_fine(look, shown, path):
    page, url, _ = look
    service, _ = shown
    service.clock.advance(days=30)
    page.context.add_cookies([{"name": "caseq", "value": str(service.log_in()), "url": url}])
    page.goto(url + path)
    if path == "/case/complaint" and page.locator("details").count() == 0:
        voicing.complain(service.runtime, str(service.log_in()), About.LATE, "还没有答复\n第二行")
        service.clock.advance(days=30)
        page.context.add_cookies([{"name": "caseq", "value": str(service.log_in()), "url": url}])
        page.goto(url + path)
    for is_wrong in (False, True):
        if is_wrong:
            follow(page.locator("main form button:not(.alt)").last)
            assert page.locator(".faults").count() == 1
        for summary in page.locator("summary").all():
            summary.click()
        is_fine(page)
        page.set_viewport_size({"width": 1280, "height": 900})
        assert [(v["id"], v["nodes"][0]["html"][:120]) for v in Axe().run(page).response["violations"]] == []
        page.set_viewport_size({"width": 375, "height": 812})
    page.context.clear_cookies(name="caseq")


@pytest.mark.parametrize("scripts", [True], indirect=True, ids=[""])
def test_big_text_is_big_and_stays(site: Site):
    page = site.visitor()
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "18px"
    follow(page.get_by_role("link", name="大字版"))
    page.wait_for_url("**/?big=1")
    site.log_in(page)
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "22px"
    follow(page.get_by_role("link", name="标准版"))
    page.wait_for_url("**/case?big=0")
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "18px"


def test_text_enlarged_by_the_phone_never_scrolls_sideways(chromium, shown):
    """WeChat's largest setting is 25.5 px on a base of 17; half as much again is tried."""
    page = chromium.new_page(viewport={"width": 375, "height": 812})
    for path in (
        "/",
        "/help",
        "/what-you-can-see",
        "/sms",
        "/sample/criminal/victim/4/zh",
        "/sample/administrative/suspect/6/en",
    ):
        page.goto(shown[1] + path)
        page.evaluate("document.documentElement.style.fontSize = '225%'")
        assert page.evaluate(SIDEWAYS) == 0, path
    page.close()


def test_dark_and_forced_colours_change_the_colours(chromium, shown):
    grounds = set()
    for wanted in ({}, {"color_scheme": "dark"}, {"forced_colors": "active", "color_scheme": "dark"}):
        page = chromium.new_page(**wanted)
        page.goto(f"{shown[1]}/sample/criminal/victim/4/zh")
        grounds.add(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
        page.close()
    assert len(grounds) == 3


@pytest.mark.parametrize(("kind", "role", "course"), [("criminal", "victim", 4), ("administrative", "suspect", 6)])
def test_a_printed_case_is_short_and_shows_no_buttons(chromium, shown, kind, role, course):
    page = chromium.new_page()
    page.goto(f"{shown[1]}/sample/{kind}/{role}/{course}/zh")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) <= 3
    page.emulate_media(media="print")
    assert page.locator(".leave, .jump, button").filter(visible=True).count() == 0
    page.close()


def test_the_first_screen_of_the_start_holds_the_question_and_the_button(chromium, shown):
    page = chromium.new_page(viewport={"width": 375, "height": 812}, locale="zh-CN")
    page.goto(shown[1])
    button = page.get_by_role("button", name="下一步").bounding_box()
    assert button
    assert button["y"] + button["height"] < 812
    page.close()
