"""The case page as ready words, made of one `CaseView` and of what is fixed for its kind and role."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from markupsafe import Markup

from caseq.rules.case import Kind, MilestoneName
from caseq.rules.disclosure import CaseView, Grant, Policy, is_of_statute
from caseq.settings import Bureau
from caseq.web import phrases
from caseq.web.language import N_, Words, as_date
from caseq.web.stage import ENDS, Stage, Story, current_measure, is_suspect_side, stage, story
from caseq.web.track import Step, track
from caseq.web.wording import KIND_AND_ROLES, KINDS, MILESTONES, Entry, clause_words, entry, role_word

Pairs = tuple[tuple[Markup, Markup], ...]


@dataclass(frozen=True)
class CasePage:
    """What templates/pages/case.html prints; every text is translated and safe."""

    kind: Markup
    role: Markup
    headline: Markup
    meaning: Markup
    to_do: tuple[Markup, ...]
    due: Pairs
    steps: tuple[Step, ...]
    entries: tuple[Entry, ...]
    may_come: Pairs
    basis: Markup
    unit_clause: Markup | None
    rights_clause: Markup | None
    seen: tuple[Markup, ...]
    hidden: Pairs


_DUE: Mapping[str, str] = {
    "reappraisal_until": N_("申请补充或者重新鉴定"),
    "statement_until": N_("说明情况、提出申辩"),
    "perform_by": N_("履行调解协议"),
    "rectify_by": N_("改正"),
    "review_by": N_("申请复查"),
}

_EVIDENCE = (N_("证据和笔录"), N_("调查期间依法保密，免得影响查案"), None)
_OTHERS = (N_("报案人、对方和证人"), N_("保护他们的安全和个人信息"), None)
_INQUIRY = (N_("查案经过"), N_("调查期间依法保密"), None)

#: What this service never shows a side: (what, why, the milestone that would make the line untrue if granted).
_HIDDEN: Mapping[Story, tuple[tuple[str, str, str | None], ...]] = {
    Story.CRIMINAL_VICTIM: (
        _EVIDENCE,
        (N_("嫌疑人的姓名、住址"), N_("保护个人信息"), None),
        (N_("鉴定意见"), N_("由办案民警告知"), MilestoneName.EXPERT_OPINION),
    ),
    Story.CRIMINAL_SUSPECT: (_OTHERS, _EVIDENCE, _INQUIRY),
    Story.ADMINISTRATIVE_VICTIM: (_EVIDENCE, (N_("对方和证人的姓名、住址"), N_("保护个人信息"), None)),
    Story.ADMINISTRATIVE_SUSPECT: (_OTHERS, _EVIDENCE, _INQUIRY),
    Story.TRADE: (
        (N_("别的单位的情况"), N_("这里只给您看自己单位的"), None),
        (N_("举报人"), N_("保护他们的安全和个人信息"), None),
    ),
    Story.OTHER: (_EVIDENCE, _OTHERS),
}


def build(view: CaseView, grant: Grant, bureau: Bureau, words: Words, today: date) -> CasePage:
    """The page for this view; `grant` is what the policy opens to everybody in this role."""
    told, reached = story(view.kind, view.role), stage(view)
    headline, meaning = phrases.said(told, reached, view.role, _measure_in_force(view))
    victims = told is Story.CRIMINAL_VICTIM
    return CasePage(
        kind=words.say(KINDS[Kind(view.kind)]),
        role=words.say(role_word(view.kind, view.role)),
        headline=words.say(headline),
        meaning=words.say(meaning),
        to_do=tuple(_with_phones(text, bureau, words) for text in phrases.to_do(told, reached, view.role)),
        due=_due(view, words, today),
        steps=track(view, grant, told, reached, words),
        entries=tuple(entry(milestone, words, victims) for milestone in view.milestones),
        may_come=_pairs(() if reached is Stage.EMPTY else phrases.may_come(told, reached), words),
        basis=_basis(grant, bureau, words),
        unit_clause=clause_words(view.unit.clause, words) if view.unit else None,
        rights_clause=clause_words(view.rights_clause, words) if view.rights_clause else None,
        seen=_seen(grant, view.role, words),
        hidden=_pairs([(a, b) for a, b, item in _HIDDEN[told] if item not in grant.milestones], words),
    )


@dataclass(frozen=True)
class TransferPage:
    """What templates/pages/transferred.html prints of why the reader sees this, and of what nobody in this role sees.

    `of_plan`: the clause is a number of the plan, which it does not name.
    """

    kind: Markup
    role: Markup
    clause: Markup
    of_plan: bool
    hidden: Pairs


def transfer(view: CaseView, words: Words) -> TransferPage:
    """The page of a case that another authority handles now."""
    assert view.transferred_to is not None
    clause = view.transferred_to.clause
    return TransferPage(
        kind=words.say(KINDS[Kind(view.kind)]),
        role=words.say(role_word(view.kind, view.role)),
        clause=clause_words(clause, words),
        of_plan=not is_of_statute(clause),
        hidden=_pairs([(what, why) for what, why, _ in _HIDDEN[story(view.kind, view.role)]], words),
    )


def overview(policy: Policy, words: Words) -> Pairs:
    """Who sees what online, as (roles in a kind of case, items), in the order of the policy."""
    roles: dict[tuple[Markup, Markup], list[Markup]] = {}
    for (kind, role), grant in policy.grants.items():
        row = words.say(KINDS[Kind(kind)]), words.listed(_seen_items(grant, words))
        roles.setdefault(row, []).append(words.say(role_word(kind, role)))
    return tuple(
        (words.say(KIND_AND_ROLES, kind=kind, roles=words.listed(who)), seen) for (kind, seen), who in roles.items()
    )


@lru_cache(maxsize=512)
def call(phone: str) -> Markup:
    """A telephone number that can be touched."""
    return Markup('<a href="tel:{}">{}</a>').format(phone.replace(" ", ""), phone)


def _measure_in_force(view: CaseView) -> str | None:
    measure = current_measure(view)
    if measure is None or measure.fields.get("action") not in ("imposed", "changed", "extended"):
        return None
    return str(measure.fields.get("measure"))


def _with_phones(text: str, bureau: Bureau, words: Words) -> Markup:
    return words.say(text, emergency=call(bureau.emergency_phone), legal_aid=call(bureau.legal_aid_phone))


def _due(view: CaseView, words: Words, today: date) -> Pairs:
    """What has a last day that is not over; a statement is too late once there is a decision."""
    decided = any(milestone.name in ENDS.get(view.kind, ()) for milestone in view.milestones)
    due = {
        (day, what)
        for milestone in view.milestones
        for field, what in _DUE.items()
        if (day := as_date(milestone.fields.get(field))) is not None
        and day >= today
        and milestone.fields.get("performed") is not True
        and not (decided and field == "statement_until")
    }
    return tuple((Markup(words.long_day(day)), words.say(what)) for day, what in sorted(due))  # noqa: S704 - a date


def _pairs(pairs: tuple[phrases.Said, ...] | list[phrases.Said], words: Words) -> Pairs:
    return tuple((words.say(first), words.say(second)) for first, second in pairs)


def _basis(grant: Grant, bureau: Bureau, words: Words) -> Markup:
    """Every clause, those of the plan first, behind its name: so one of a statute does not read as the plan's."""
    rules = [grant.unit, grant.rights, *grant.milestones.values()]
    clauses = dict.fromkeys(rule.clause for rule in rules if rule is not None)
    of_plan = [clause_words(clause, words) for clause in clauses if not is_of_statute(clause)]
    named = [clause_words(clause, words) for clause in clauses if is_of_statute(clause)]
    if of_plan:
        source = bureau.clause_source[words.language]
        named.insert(0, words.say(N_("%(source)s%(clause)s"), source=source, clause=words.listed(of_plan)))
    return words.listed(named)


def _seen(grant: Grant, role: str, words: Words) -> tuple[Markup, ...]:
    own = (words.say(N_("只有和您这一方有关的内容")),) if is_suspect_side(role) else ()
    return (*_seen_items(grant, words), *own)


def _seen_items(grant: Grant, words: Words) -> list[Markup]:
    seen = [words.say(N_("办案单位和电话"))] if grant.unit else []
    if grant.rights:
        seen.append(words.say(N_("权利和义务")))
    return seen + [words.say(MILESTONES[name]) for name in grant.milestones]
