"""The grounds and differences of the policy in the words of those who read them, Chinese and English in one line."""

from collections.abc import Mapping
from datetime import date

from caseq.rules.access import Closed
from caseq.rules.release import Hidden

HIDDEN: Mapping[str, str] = {
    Hidden.TRANSFERRED: "案件已移送其他机关，这里只显示移送去向 another authority handles the case; only that is shown",
    Hidden.NO_RULE: "没有规则公开 no rule shows it",
    Hidden.NEVER_ONLINE: "规则只作书面或电话告知，不上网 a rule tells it on paper or by telephone, never online",
    Hidden.WHOLE_CASE_ONLY: "规则只公开全案事项 the rule shows only what concerns the whole case",
    Hidden.ANOTHER_SUSPECT: "涉及其他嫌疑人 it concerns another suspect",
    Hidden.NARROWED: "嫌疑人一方有未成年人，只显示全案事项 a minor is on the suspect's side: the whole case only",
    Hidden.HELD: "保留期内 held",
    Hidden.ALIKE: "与已显示的一项内容相同 it reads like another one, which is shown",
    Hidden.WITHDRAWN: "来源系统已撤回 withdrawn by its source",
}

CLOSED: Mapping[str, str] = {
    Closed.WITHHELD: "案件不公开 the case is withheld",
    Closed.NOT_ONLINE: "该身份在此类案件中不能网上查询 this role never looks online in this kind of case",
    Closed.MINOR: "未成年人，由监护人查询 a minor: the guardian asks",
    Closed.ENDED: "案件已结束，查询期已过 the case ended, and the time for looking is over",
    Closed.NOT_APPEARED: "尚未到案 has not appeared before the police yet",
    Closed.NOT_YET: "委托尚未生效 the authority does not run yet",
    Closed.OVER: "委托已到期 the authority has ended",
    Closed.SHADOW: "来源系统尚未开放 the source is in shadow: it is open to nobody",
    Closed.CASE_WITHDRAWN: "案件已被来源系统撤回 the case was withdrawn by its source",
    Closed.PARTY_WITHDRAWN: "该当事人已被来源系统撤回 the party was withdrawn by its source",
    Closed.RECHECK: "已成年，需要重新核验身份 grew up: staff must confirm who asks (caseq access confirm)",
    Closed.REVOKED: "查询权限已被取消 staff took the grant away (caseq access confirm opens it again)",
}

SUBJECTS: Mapping[str, str] = {
    "whole": "全案 whole case",
    "own": "本人事项 own subject",
    "other": "其他嫌疑人 another suspect",
}


def of(table: Mapping[str, str], word: str | None) -> str:
    """The words for one entry of a table here; KeyError for one that it does not have."""
    return table[word or ""]


def until(day: date) -> str:
    """The last day of a hold."""
    return "不定期 for good" if day == date.max else f"至 until {day.isoformat()}"
