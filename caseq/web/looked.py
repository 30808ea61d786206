"""Who looked at a record, in the words of the party: by function, never by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from caseq.looking import Look, Own, OwnAct
from caseq.rules.duties import StaffRole
from caseq.rules.looks import LookChannel, Purpose, Way
from caseq.web.language import N_, Words
from caseq.web.told import at

FUNCTIONS: Mapping[StaffRole | None, str] = {
    StaffRole.WINDOW_CLERK: N_("窗口民警"),
    StaffRole.UNIT: N_("办案单位"),
    StaffRole.REVIEWER: N_("审核人员"),
    StaffRole.SECRECY_REVIEWER: N_("保密审查人员"),
    StaffRole.LEADER: N_("单位负责人"),
    StaffRole.AUDITOR: N_("审计人员"),
    StaffRole.ADMINISTRATOR: N_("系统管理人员"),
    None: N_("公安局工作人员"),
}
CHANNELS: Mapping[LookChannel, str] = {
    LookChannel.CONSOLE: N_("在工作台上"),
    LookChannel.TELEPHONE: N_("在电话里"),
    LookChannel.COUNTER: N_("在窗口"),
}
PURPOSES: Mapping[Purpose, str] = {
    Purpose.ENQUIRY: N_("看案件进展，答复询问"),
    Purpose.READ_OUT: N_("念给打电话来的人听，对方报了编号和验证码"),
    Purpose.CHECK_PERSON: N_("核对证件"),
    Purpose.CHECK_PAGE: N_("查为什么看得到、看不到"),
    Purpose.CONTACT: N_("看怎样联系您才稳妥"),
    Purpose.CODES: N_("打印查询码"),
    Purpose.PROOF: N_("出怎样告知您的证明"),
    Purpose.NUMBER: N_("改登记的手机号"),
    Purpose.NOTICE: N_("制作告知书"),
    Purpose.COMPLAINT: N_("答复投诉"),
}
WAYS: Mapping[Way | None, str] = {
    Way.SMS: N_("用短信验证码登录"),
    Way.APP: N_("用认证器登录"),
    Way.PAPER: N_("用纸上或者窗口给的查询码登录"),
    None: N_("看了案件的网页"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the page."""

    at: str
    what: Markup
    how: Markup


def staff_line(look: Look, words: Words) -> Line:
    """A look of staff: when, who by function and through what, and what for."""
    return Line(
        at(look.at, words),
        words.say(
            N_("%(who)s，%(channel)s"),
            who=words.say(FUNCTIONS[look.function]),
            channel=words.say(CHANNELS[look.told.channel]),
        ),
        words.say(PURPOSES[look.told.purpose]),
    )


def own_line(act: OwnAct, words: Words) -> Line:
    """That the party logged in or looked."""
    return Line(at(act.at, words), words.say(WAYS[act.way]), Markup())


def as_json(own: Own, moment: Any) -> dict[str, Any]:
    """The looks as JSON values, with moments as `moment` writes them."""
    by_staff = [
        {
            "at": moment(look.at),
            "function": look.function.value if look.function else "bureau",
            "channel": look.told.channel.value,
            "purpose": look.told.purpose.value,
        }
        for look in own.by_staff
    ]
    by_you = [{"at": moment(act.at), "way": act.way.value if act.way else "view"} for act in own.own]
    return {"withheld": own.is_withheld, "by_staff": by_staff, "by_you": by_you}
