"""Sample cases for the page tests, and the page as a browser would get it."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import render_template

from caseq.rules.case import Unit, bureau_date
from caseq.rules.disclosure import CaseView, StoredCase, StoredMilestone, project
from caseq.web import casepage
from caseq.web.browser import page_words
from caseq.web.casepage import CasePage
from caseq.web.language import words
from tests.service import CASE, NOON, Service

UNIT = Unit("示例县公安局城关派出所", "640121510000", "示例县城关镇中心路1号", "0951-8011010")
TODAY = bureau_date(NOON)


def step(name: str, day: str = "2026-11-20", subject: str | None = None, **details: Any) -> StoredMilestone:
    """A milestone with every common field filled in."""
    released = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(hours=30)
    number = f"示公（城）字〔2026〕{len(name)}号"
    return StoredMilestone(name, subject, date.fromisoformat(day), number, details, None, released)


FILED = step("case_filed", "2026-11-02")
SOLVED = step("case_solved", "2026-11-10")
DETAINED = step("compulsory_measure", "2026-11-11", "S1", measure="criminal_detention", action="imposed")
OPINION = step("expert_opinion", "2026-11-12", "S1", opinion_kind="损伤程度鉴定", reappraisal_until="2026-11-30")
SENT = step("transferred_for_prosecution_review", "2026-11-20", procuratorate="示例县人民检察院")
WITHDRAWN = step("case_withdrawn", "2026-11-21", "S1", ground="没有犯罪事实")
ACCEPTED = step("case_accepted", "2026-11-02")
REFUSED = step("no_investigation", "2026-11-03", ground="不属于公安机关职责")
MEDIATION = step("mediation", "2026-11-04", None, place="调解室", outcome="failed")
AGREEMENT = step("mediation_agreement", "2026-11-05", None, perform_by="2026-11-23", performed=False)
HEARING = step("hearing", "2026-11-06", "S1", phase="scheduled", place="三楼会议室")
NOTICE = step("pre_penalty_notice", "2026-11-07", "S1", statement_until="2026-11-25")
PENALTY = step("penalty_decision", "2026-11-12", "S1", penalties=[{"kind": "fine", "amount": 500}, {"kind": "warning"}])
NO_PENALTY = step("no_penalty_decision", "2026-11-13", "S1", ground="情节轻微")
TERMINATED = step("investigation_terminated", "2026-11-14", "S1", ground="没有违法事实")
INSPECTION = step("inspection", "2026-11-15", "T1", inspection_kind="日常检查", result="合格", rectify_by="2026-12-01")
TRADE_PENALTY = step("trade_penalty", "2026-11-16", "T1", penalties=[{"kind": "suspension", "days": 3}])

#: What may have happened, per kind of case: from nothing to everything.
COURSES: dict[str, list[list[StoredMilestone]]] = {
    "criminal": [
        [],
        [FILED],
        [FILED, DETAINED],
        [FILED, SOLVED, DETAINED, OPINION],
        [FILED, SOLVED, DETAINED, SENT],
        [FILED, DETAINED, WITHDRAWN],
    ],
    "administrative": [
        [],
        [ACCEPTED],
        [REFUSED],
        [ACCEPTED, MEDIATION],
        [ACCEPTED, AGREEMENT],
        [ACCEPTED, HEARING, NOTICE],
        [ACCEPTED, MEDIATION, HEARING, NOTICE, PENALTY, NO_PENALTY],
        [ACCEPTED, TERMINATED],
    ],
    "trade": [[], [INSPECTION, TRADE_PENALTY]],
}


def view_of(service: Service, kind: str, role: str, course: list[StoredMilestone], language: str = "zh") -> CaseView:
    """What the shipped policy lets this reader see of the course."""
    settings = service.runtime.settings
    own = "T1" if kind == "trade" else "S1"
    stored = StoredCase(
        CASE, kind, "open", role, own, False, UNIT, None, course, NOON, source_silent=False, source=kind
    )
    return project(stored, settings.policy, settings.rights.get((kind, role, language), ()), TODAY)


def page_of(service: Service, view: CaseView, language: str = "zh", today: date = TODAY) -> CasePage:
    """The page's words for the view."""
    settings = service.runtime.settings
    grant = settings.policy.grant(view.kind, view.role)
    return casepage.build(view, grant, settings.bureau, words(language), today)


def html_of(service: Service, view: CaseView, language: str = "zh") -> str:
    """The page as a browser gets it, but for the form token."""
    with service.app.test_request_context(f"/case?lang={language}"):
        assert page_words().language == language
        page = page_of(service, view, language)
        html = render_template("pages/case.html", view=view, page=page, signed_in=True)
    return without_token(html)


def without_token(html: str) -> str:
    """The page without its form token, which differs on every page."""
    return re.sub(r'(name="csrf_token" value=")[^"]*', r"\1", html)


def text_of(html: str) -> str:
    """What is read, without markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", re.sub(r"<(title|svg)\b.*?</\1>", "", html, flags=re.S)))
