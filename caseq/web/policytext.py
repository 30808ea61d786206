"""The policy in plain words: who sees what, of whom, by which clause and why; as values and as Markdown."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from caseq.rules.case import SUSPECT_SIDE, Kind, Role
from caseq.rules.disclosure import RIGHTS, UNIT, Policy, Rule, Scope
from caseq.web.language import N_, Words
from caseq.web.wording import KIND_AND_ROLES, KINDS, MILESTONES, clause_words, role_word

#: What every field is called where no value stands beside it.
FIELDS: Mapping[str, str] = {
    "name": N_("名称"),
    "address": N_("地址"),
    "phone": N_("办公电话"),
    "occurred_on": N_("日期"),
    "document_number": N_("文书编号"),
    "procuratorate": N_("哪个检察院"),
    "measure": N_("措施的种类"),
    "action": N_("措施的变动"),
    "phase": N_("到了哪一步"),
    "place": N_("地点"),
    "outcome": N_("有没有谈成"),
    "performed": N_("有没有履行"),
    "penalties": N_("处罚的种类、金额和天数"),
    "ground": N_("理由"),
    "opinion_kind": N_("鉴定种类"),
    "inspection_kind": N_("检查种类"),
    "result": N_("结果"),
    "behaviour": N_("什么行为"),
    "perform_by": N_("最晚哪天履行"),
    "reappraisal_until": N_("最晚哪天申请重新鉴定"),
    "statement_until": N_("最晚哪天提出申辩"),
    "rectify_by": N_("最晚哪天改正"),
    "review_by": N_("最晚哪天申请复查"),
}
ITEM, SHOWN, CLAUSE, REASON = COLUMNS = (N_("内容"), N_("显示什么"), N_("依据"), N_("为什么"))

_ITEMS: Mapping[str, str] = {UNIT: N_("办案单位和电话"), RIGHTS: N_("权利和义务")}
TITLE = N_("谁能看到什么")
NEVER = N_("谁都看不到：姓名、案情、证据、笔录、民警的手机号。网上的内容只供了解，不算送达。期限从收到文书原件算起。")
#: When even what is listed is not shown.
LIMITS = (
    N_("嫌疑人一方，到案以后才能看。"),
    N_("代理人和第三人，只在身份有效的日期里能看。"),
    N_("未成年人由监护人查。嫌疑人一方有未成年人的，别人只能看整个案件的内容。"),
    N_("依法暂时不公开的内容，到期以后才显示。"),
    N_("案件转给别的单位以后，这里只显示那个单位和电话。"),
)
ON_PAPER = N_("只用文书或者回访告知")
ON_PAPER_MEANS = N_("下面这些人，由办案单位用文书或者回访告知，在网上查不到。")


@dataclass(frozen=True)
class Row:
    """One item: what of it is shown and of whom, by which clause, why."""

    item: Markup
    shown: Markup
    of_whom: Markup | None
    clause: Markup
    reason: str

    def whole(self, words: Words) -> Markup:
        """What is shown, and of whom."""
        if self.of_whom is None:
            return self.shown
        return words.say(N_("%(shown)s（%(of_whom)s）"), shown=self.shown, of_whom=self.of_whom)


@dataclass(frozen=True)
class Section:
    """What some roles of one kind see alike; `days` is how long a case stays open to them after its end."""

    kind: Markup
    online: bool
    roles: Markup
    rows: tuple[Row, ...]
    days: int | None

    def title(self, words: Words) -> Markup:
        """The kind of case and the roles."""
        return words.say(KIND_AND_ROLES, kind=self.kind, roles=self.roles)


def sections(policy: Policy, words: Words) -> tuple[Section, ...]:
    """Every role of every kind, once, those alike together: first who looks online, then who is told on paper."""
    seen: dict[tuple[bool, Kind, Role], list[Rule]] = {}
    for rule in policy.rules:
        for role in rule.roles:
            seen.setdefault((not rule.online, rule.kind, role), []).append(rule)
    alike: dict[tuple[bool, Kind, tuple[Rule, ...]], list[Role]] = {}
    for (on_paper, kind, role), rules in sorted(seen.items(), key=lambda cell: _place(*cell[0])):
        alike.setdefault((on_paper, kind, tuple(rules)), []).append(role)
    return tuple(
        Section(
            kind=_capital(words.say(KINDS[kind])),
            online=not on_paper,
            roles=_capital(words.listed([words.say(role_word(kind, role)) for role in roles])),
            rows=tuple(_row(rule, roles, words) for rule in rules),
            days=None if on_paper else policy.closing.get(kind),
        )
        for (on_paper, kind, rules), roles in alike.items()
    )


def basis(policy: Policy, words: Words) -> tuple[Markup, ...]:
    """By which texts: that of the policy, and each overlay with the day of its adoption."""
    language = words.language
    base = words.say(N_("依据：%(title)s。"), title=policy.title.get(language, policy.name))
    also = N_("从 %(day)s 起，还依据：%(title)s。")
    return (
        base,
        *(words.say(also, day=words.day(one.on), title=one.title[language]) for one in policy.adopted),
    )


def open_for(days: int, words: Words) -> Markup:
    """How long a case stays open after its end."""
    if days == 0:
        return words.say(N_("办结或者移送当天还能看，过了当天就不能看。"))
    return words.say(N_("办结或者移送以后，还能看 %(days)s 天。"), days=days)


def markdown(policy: Policy, words: Words) -> str:
    """The same as Markdown, with who adopted each overlay and why."""
    lines = [f"# {words.say(TITLE)} - {policy.name}", "", *basis(policy, words)]
    for one in policy.adopted:
        lines += ["", f"- {one.overlay}: {one.by}, {one.on.isoformat()}: {one.reason}"]
    for section in sections(policy, words):
        lines += ["", f"## {section.title(words)}", ""]
        if not section.online:
            lines += [words.say(ON_PAPER), ""]
        if section.days is not None:
            lines += [open_for(section.days, words), ""]
        lines += [_line(*(words.say(column) for column in COLUMNS)), _line(*("---" for _ in COLUMNS))]
        lines += [_line(row.item, row.whole(words), row.clause, row.reason) for row in section.rows]
    lines += ["", words.say(NEVER), "", *(f"- {words.say(limit)}" for limit in LIMITS)]
    return "\n".join(Markup(line).striptags() if line else "" for line in lines) + "\n"  # noqa: S704 - our own text


def _place(on_paper: bool, kind: Kind, role: Role) -> tuple[bool, int, int]:
    return on_paper, list(Kind).index(kind), list(Role).index(role)


def _row(rule: Rule, roles: list[Role], words: Words) -> Row:
    return Row(
        item=words.say(_ITEMS.get(rule.item) or MILESTONES[rule.item]),
        shown=_shown(rule, words),
        of_whom=_of_whom(rule, roles, words),
        clause=clause_words(rule.clause, words),
        reason=rule.reason.get(words.language, ""),
    )


def _shown(rule: Rule, words: Words) -> Markup:
    if rule.item == RIGHTS:
        return _capital(words.say(N_("全文")))
    if not rule.fields:
        return _capital(words.say(N_("只写有这一项")))
    return _capital(words.listed([words.say(FIELDS[field]) for field in rule.fields]).lower())


def _of_whom(rule: Rule, roles: list[Role], words: Words) -> Markup | None:
    """Whom the item may concern; nothing where there is nobody but the reader."""
    if rule.item in _ITEMS or rule.kind not in (Kind.CRIMINAL, Kind.ADMINISTRATIVE):
        return None
    if rule.scope is Scope.CASE:
        return words.say(N_("说的是整个案件"))
    if rule.scope is Scope.EVERY_SUBJECT:
        return words.say(N_("说的是每名嫌疑人，不写是谁"))
    on_one_side = SUSPECT_SIDE.issuperset(roles)
    return words.say(N_("只说整个案件和您这一方") if on_one_side else N_("只说整个案件和您自己"))


def _capital(text: Markup) -> Markup:
    """The text with a capital letter in front, if its language has such."""
    return text[:1].upper() + text[1:]


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
