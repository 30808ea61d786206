"""The fixed words for kinds, roles, milestones, their fields and values. Chinese here, English in en.po.

Words about a suspect never say more than what is known: a measure is not a verdict.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from caseq.rules.case import Kind, MilestoneName, Role
from caseq.rules.disclosure import MilestoneView, is_of_statute
from caseq.web.language import DEFAULT, N_, Words, as_date

ROLES: Mapping[str, str] = {
    Role.COMPLAINANT: N_("控告人"),
    Role.VICTIM: N_("被害人"),
    Role.VICTIM_FAMILY: N_("被害人家属"),
    Role.SUSPECT: N_("嫌疑人"),
    Role.SUSPECT_FAMILY: N_("嫌疑人家属"),
    Role.AGENT: N_("代理人（律师）"),
    Role.THIRD_PARTY: N_("第三人"),
    Role.TRADE_MEMBER: N_("行业单位"),
    Role.APPLICANT: N_("申请人"),
    Role.PETITIONER: N_("信访人"),
    Role.REGULATED_PARTY: N_("被管理人"),
}

#: Roles that the law on administrative cases calls by another name.
ADMINISTRATIVE_ROLES: Mapping[str, str] = {
    Role.VICTIM: N_("被侵害人"),
    Role.VICTIM_FAMILY: N_("被侵害人家属"),
    Role.SUSPECT: N_("违法嫌疑人"),
    Role.SUSPECT_FAMILY: N_("违法嫌疑人家属"),
}

MILESTONES: Mapping[str, str] = {
    MilestoneName.CASE_FILED: N_("立案"),
    MilestoneName.CASE_SOLVED: N_("查到嫌疑人（破案）"),
    MilestoneName.TRANSFERRED_FOR_PROSECUTION_REVIEW: N_("移送检察院审查起诉"),
    MilestoneName.COMPULSORY_MEASURE: N_("刑事强制措施"),
    MilestoneName.CASE_WITHDRAWN: N_("撤销案件"),
    MilestoneName.EXPERT_OPINION: N_("鉴定意见"),
    MilestoneName.CASE_ACCEPTED: N_("接受报案（受案）"),
    MilestoneName.NO_INVESTIGATION: N_("不予调查处理"),
    MilestoneName.HEARING: N_("听证"),
    MilestoneName.MEDIATION: N_("调解"),
    MilestoneName.MEDIATION_AGREEMENT: N_("调解协议"),
    MilestoneName.PRE_PENALTY_NOTICE: N_("处罚前告知"),
    MilestoneName.PENALTY_DECISION: N_("行政处罚决定"),
    MilestoneName.NO_PENALTY_DECISION: N_("不予行政处罚决定"),
    MilestoneName.INVESTIGATION_TERMINATED: N_("终止案件调查"),
    MilestoneName.INSPECTION: N_("检查"),
    MilestoneName.TRADE_PENALTY: N_("处罚"),
    MilestoneName.VIOLATION_NOTICE: N_("违法行为告知"),
    MilestoneName.REVIEW_RESULT: N_("复议结果"),
    MilestoneName.COMPENSATION_RESULT: N_("国家赔偿结果"),
    MilestoneName.PETITION_RESULT: N_("信访办理结果"),
    MilestoneName.CASE_NOT_FILED: N_("决定不立案（不予立案）"),
    MilestoneName.SUSPECT_INVESTIGATION_TERMINATED: N_("不再侦查（终止侦查）"),
}

#: One plain line under each title of the log.
LINES: Mapping[str, str] = {
    MilestoneName.CASE_FILED: N_("公安机关决定正式调查这个案件。"),
    MilestoneName.CASE_SOLVED: N_("已经查到嫌疑人。是否有罪由法院判定。"),
    MilestoneName.TRANSFERRED_FOR_PROSECUTION_REVIEW: N_("材料已交给检察院，由检察院决定是否起诉。"),
    MilestoneName.COMPULSORY_MEASURE: N_("这是调查期间的措施，不等于认定有罪。"),
    MilestoneName.CASE_WITHDRAWN: N_("公安机关决定撤销这个案件。"),
    MilestoneName.EXPERT_OPINION: N_("内容由办案民警告知，不在网上显示。"),
    MilestoneName.CASE_ACCEPTED: N_("公安机关已经登记这个案件。"),
    MilestoneName.NO_INVESTIGATION: N_("公安机关决定不调查处理。"),
    MilestoneName.HEARING: N_("听证是作决定前听取意见的会。"),
    MilestoneName.MEDIATION: N_("由民警主持，双方自愿商量。"),
    MilestoneName.MEDIATION_AGREEMENT: N_("双方已经签了协议。内容看协议原件。"),
    MilestoneName.PRE_PENALTY_NOTICE: N_("打算处罚，还没有决定。可以先说明情况、申辩。"),
    MilestoneName.PENALTY_DECISION: N_("公安机关已经作出决定。"),
    MilestoneName.NO_PENALTY_DECISION: N_("公安机关决定不处罚。"),
    MilestoneName.INVESTIGATION_TERMINATED: N_("公安机关决定不再调查。"),
    MilestoneName.INSPECTION: N_("公安机关做了检查。"),
    MilestoneName.TRADE_PENALTY: N_("公安机关已经作出决定。"),
    MilestoneName.VIOLATION_NOTICE: N_("公安机关告知了这个行为。"),
    MilestoneName.REVIEW_RESULT: N_("复议已经有结果。"),
    MilestoneName.COMPENSATION_RESULT: N_("赔偿申请已经有结果。"),
    MilestoneName.PETITION_RESULT: N_("信访事项已经有结果。"),
    MilestoneName.CASE_NOT_FILED: N_("公安机关决定不立案。不同意，可以申请复议。"),
    MilestoneName.SUSPECT_INVESTIGATION_TERMINATED: N_("公安机关决定对这一方不再侦查。"),
}

#: The injured side sees the kind of a measure but not whether it was imposed, changed or lifted.
MEASURE_LINE_FOR_VICTIMS = N_("对嫌疑人采取过这项措施。现在是否还在执行，请问办案单位。")

MEASURES: Mapping[str, str] = {
    "summons_by_force": N_("拘传"),
    "bail_pending_trial": N_("取保候审"),
    "residential_surveillance": N_("监视居住"),
    "criminal_detention": N_("刑事拘留"),
    "arrest": N_("逮捕"),
}
ACTIONS: Mapping[str, str] = {
    "imposed": N_("已采取"),
    "changed": N_("已变更"),
    "extended": N_("已延长"),
    "lifted": N_("已解除"),
}
MEASURE_TITLES: Mapping[str | None, str] = {
    "imposed": N_("采取强制措施：%(measure)s"),
    "changed": N_("变更强制措施：%(measure)s"),
    "extended": N_("延长强制措施：%(measure)s"),
    "lifted": N_("解除强制措施：%(measure)s"),
    None: N_("强制措施：%(measure)s"),
}
PHASES: Mapping[str, str] = {
    "right_notified": N_("已告知可以要求听证"),
    "requested": N_("已经提出听证要求"),
    "accepted": N_("同意举行听证"),
    "scheduled": N_("已经安排听证"),
    "held": N_("听证已经举行"),
    "terminated": N_("听证已经终止"),
}
OUTCOMES: Mapping[str, str] = {
    "agreed": N_("达成协议"),
    "failed": N_("没有达成协议"),
    "withdrawn": N_("有一方退出"),
}
PENALTIES: Mapping[str, str] = {
    "warning": N_("警告"),
    "fine": N_("罚款"),
    "administrative_detention": N_("行政拘留"),
    "confiscation": N_("没收"),
    "suspension": N_("停业整顿"),
    "licence_revocation": N_("吊销许可证"),
    "other": N_("其他处罚"),
}
PERFORMED: Mapping[bool, str] = {True: N_("已经履行"), False: N_("还没有履行")}

#: The label of every field that stands under a log entry; `phase` and `measure` are part of the title or the line.
LABELS: Mapping[str, str] = {
    "procuratorate": N_("检察院"),
    "measure": N_("措施"),
    "action": N_("变动"),
    "phase": N_("阶段"),
    "place": N_("地点"),
    "outcome": N_("结果"),
    "performed": N_("履行"),
    "penalties": N_("处罚"),
    "ground": N_("理由"),
    "opinion_kind": N_("鉴定种类"),
    "inspection_kind": N_("检查种类"),
    "result": N_("结果"),
    "behaviour": N_("行为"),
    "perform_by": N_("最晚履行"),
    "reappraisal_until": N_("最晚申请"),
    "statement_until": N_("最晚提出"),
    "rectify_by": N_("最晚改正"),
    "review_by": N_("最晚申请"),
}

KINDS: Mapping[str, str] = {
    Kind.CRIMINAL: N_("刑事案件"),
    Kind.ADMINISTRATIVE: N_("行政案件"),
    Kind.TRADE: N_("行业管理"),
    Kind.RECONSIDERATION: N_("行政复议"),
    Kind.COMPENSATION: N_("国家赔偿"),
    Kind.PETITION: N_("信访"),
    Kind.REGULATION: N_("行政管理"),
}
KIND_AND_ROLES = N_("%(kind)s：%(roles)s")

_CHINESE_CLAUSE = str.maketrans("()", "（）")
_ENGLISH_CLAUSE = str.maketrans("一二三四五六七八九", "123456789")


@dataclass(frozen=True)
class Entry:
    """One entry of the log, in words: `facts` are (label, value) pairs."""

    day: str
    title: Markup
    line: Markup
    facts: tuple[tuple[Markup, Markup], ...]
    document_number: Markup | None
    published: str
    clause: Markup


def role_word(kind: str, role: str) -> str:
    """The message for a role in a kind of case."""
    special = ADMINISTRATIVE_ROLES if kind == Kind.ADMINISTRATIVE else {}
    return special.get(role) or ROLES[role]


@lru_cache(maxsize=256)
def clause_words(clause: str, words: Words) -> Markup:
    """A clause as people read it: one of a statute stays as the statute is called, those of the plan are numbers."""
    if is_of_statute(clause):
        return words.quoted(clause)
    number = clause.translate(_CHINESE_CLAUSE if words.language == DEFAULT else _ENGLISH_CLAUSE)
    return Markup('<span class="number">{}</span>').format(number)


def entry(milestone: MilestoneView, words: Words, for_victims: bool) -> Entry:
    """The milestone in words; a value that no table knows is left out."""
    fields = milestone.fields
    in_title = ("measure", "action", "occurred_on", "document_number")
    facts = tuple(
        (words.say(LABELS[name]), value)
        for name, raw in fields.items()
        if name not in in_title and name in LABELS and (value := _value(name, raw, words)) is not None
    )
    line = LINES[milestone.name]
    if for_victims and milestone.name == MilestoneName.COMPULSORY_MEASURE:
        line = MEASURE_LINE_FOR_VICTIMS
    number = fields.get("document_number")
    return Entry(
        day=words.long_day(as_date(fields.get("occurred_on"))),
        title=title(milestone, words),
        line=words.say(line),
        facts=facts,
        document_number=words.quoted(number) if number else None,
        published=words.day(milestone.released_at),
        clause=clause_words(milestone.clause, words),
    )


def title(milestone: MilestoneView, words: Words) -> Markup:
    """The name of the milestone, for a measure with its kind and what became of it."""
    measure = MEASURES.get(str(milestone.fields.get("measure")))
    if milestone.name != MilestoneName.COMPULSORY_MEASURE or measure is None:
        return words.say(MILESTONES[milestone.name])
    action = milestone.fields.get("action")
    pattern = MEASURE_TITLES.get(str(action)) or MEASURE_TITLES[None]
    return words.say(pattern, measure=words.say(measure))


def _value(name: str, raw: object, words: Words) -> Markup | None:
    write = _WRITERS.get(name)
    return write(raw, words) if write else words.quoted(raw)


def _from_table(table: Mapping[str, str]) -> Callable[[object, Words], Markup | None]:
    def write(raw: object, words: Words) -> Markup | None:
        message = table.get(str(raw))
        return None if message is None else words.say(message)

    return write


def _date(raw: object, words: Words) -> Markup:
    return Markup("{}").format(words.long_day(str(raw)))


def _performed(raw: object, words: Words) -> Markup:
    return words.say(PERFORMED[raw is True])


def _penalties(raw: object, words: Words) -> Markup | None:
    penalties = [p for p in raw if isinstance(p, Mapping)] if isinstance(raw, Sequence) else []
    return words.listed([_penalty(p, words) for p in penalties if p.get("kind") in PENALTIES]) or None


def _penalty(penalty: Mapping[str, object], words: Words) -> Markup:
    parts = [words.say(PENALTIES[str(penalty["kind"])])]
    if penalty.get("amount") is not None:
        parts.append(words.say(N_("%(amount)s 元"), amount=penalty["amount"]))
    if penalty.get("days") is not None:
        parts.append(words.say(N_("%(days)s 日"), days=penalty["days"]))
    return Markup(" ").join(parts)


_WRITERS: Mapping[str, Callable[[object, Words], Markup | None]] = {
    "measure": _from_table(MEASURES),
    "action": _from_table(ACTIONS),
    "phase": _from_table(PHASES),
    "outcome": _from_table(OUTCOMES),
    "performed": _performed,
    "penalties": _penalties,
    "perform_by": _date,
    "reappraisal_until": _date,
    "statement_until": _date,
    "rectify_by": _date,
    "review_by": _date,
}
