"""The words of the desks: why nothing is shown, which papers, how a notice went; and a view as staff read it."""

from collections.abc import Mapping
from dataclasses import dataclass

from caseq import counter, delivering, desk
from caseq.rules.access import Closed
from caseq.rules.byhand import Method, Receiver, Result
from caseq.rules.case import Kind, bureau_date
from caseq.rules.disclosure import CaseView
from caseq.rules.numbers import LONGEST_NUMBER
from caseq.rules.papers import Paper
from caseq.web import casepage
from caseq.web.casepage import CasePage, TransferPage
from caseq.web.current import runtime
from caseq.web.language import words
from caseq.web.wording import KINDS, role_word

DESK_FAULTS: Mapping[desk.Refused, str] = {
    desk.Refused.NOT_YOURS: "这件事不归您这个岗位办",
    desk.Refused.NO_REASON: "请写明为什么要看，2 到 200 个字",
    desk.Refused.NOBODY: "没有找到可以显示的内容，请对一下编号和号码",
}
COUNTER_FAULTS: Mapping[counter.Refused, str] = {
    counter.Refused.NOT_YOURS: "这件事不归您这个岗位办",
    counter.Refused.NOBODY: "没有找到这个人，请从头再查一次",
    counter.Refused.PAPERS: "证件还不够，请对照下面的要求",
    counter.Refused.NO_MOBILE: "这不是收得到短信的手机号，请看着当事人的手机再输一次；境外号码发不了短信",
    counter.Refused.SAME_NUMBER: "登记的就是这个号码，不用改",
    counter.Refused.WAITS: "这个人已经有一个号码在等第二人同意",
    counter.Refused.EDITED: "登记的号码现在核对不了，请先告诉管理员",
    counter.Refused.SAME_PERSON: "第二人不能是提出更正的人",
    counter.Refused.NOT_FRESH: "请先再确认一次是您本人",
    counter.Refused.GONE: "这个更正已经办完，或者过了 30 分钟",
    counter.Refused.CHANGED: "这段时间里办案系统改了号码，请当事人和办案单位再核对",
}
DELIVERY_FAULTS: Mapping[delivering.Refused, str] = {
    delivering.Refused.NOT_YOURS: "这件事不归您这个岗位办",
    delivering.Refused.NOBODY: "没有找到这条，请回到列表",
    delivering.Refused.NO_DOCUMENT: "请填文书编号",
    delivering.Refused.UNDER_WAY: "这条已经出了文书，或者已经送到",
    delivering.Refused.KNOWN: "送达结果已经记过了",
    delivering.Refused.AHEAD: "送达的时间还没到，请对一下",
    delivering.Refused.BEFORE: "送达的时间比出文书还早，请对一下",
    delivering.Refused.LONG_DOCUMENT: f"文书编号最多 {LONGEST_NUMBER} 个字",
    delivering.Refused.NOT_THEIRS: "信访材料只给信访人本人，请选本人或者见证人",
    delivering.Refused.NO_RECEIVER: "请选谁收的",
}
CLOSED: Mapping[Closed, str] = {
    Closed.WITHHELD: "这个案件暂不公开",
    Closed.NOT_ONLINE: "这类人没有网上查询，凭文书或者电话告知",
    Closed.MINOR: "未成年人，由监护人查",
    Closed.ENDED: "案件结束，查询期已过",
    Closed.NOT_APPEARED: "还没有到案",
    Closed.NOT_YET: "委托还没有开始",
    Closed.OVER: "委托已经到期",
    Closed.SHADOW: "这个办案系统还没有对外开放",
    Closed.CASE_WITHDRAWN: "案件已经由办案系统撤回",
    Closed.PARTY_WITHDRAWN: "这个人已经由办案系统撤回",
    Closed.RECHECK: "已满 18 岁，要先核对本人身份",
    Closed.REVOKED: "查询资格已经收回",
}
PAPERS: Mapping[Paper, str] = {
    Paper.IDENTITY_CARD: "居民身份证",
    Paper.OTHER_IDENTITY: "护照等其他身份证件",
    Paper.HOUSEHOLD_BOOK: "户口本",
    Paper.MARRIAGE_CERTIFICATE: "结婚证",
    Paper.GUARDIANSHIP: "监护关系证明",
    Paper.LAWYER_LICENCE: "律师执业证",
    Paper.FIRM_LETTER: "律师事务所函",
    Paper.LEGAL_AID_LETTER: "法律援助公函",
    Paper.POWER_OF_ATTORNEY: "授权委托书",
    Paper.BUSINESS_LICENCE: "营业执照",
}
METHODS: Mapping[Method, str] = {
    Method.IN_PERSON: "当面交",
    Method.POST: "邮寄",
    Method.LEFT: "留置（有见证人）",
    Method.CALL_BACK: "电话回访",
}
RESULTS: Mapping[Result, str] = {
    Result.DELIVERED: "已送到（电话：已告知）",
    Result.REFUSED: "拒收（电话：不愿听）",
    Result.NOT_FOUND: "没找到人（电话：没打通）",
}
RECEIVERS: Mapping[Receiver, str] = {
    Receiver.SELF: "本人",
    Receiver.FAMILY: "同住成年家属",
    Receiver.AGENT: "代理人",
    Receiver.GUARDIAN: "监护人",
    Receiver.OFFICE: "单位收发",
    Receiver.WITNESS: "没人收，有见证人",
}


def role(kind: str, role_: str, n: int = 0) -> str:
    """A party as staff choose it: the word of its role, and which one of several."""
    word = str(words("zh").say(role_word(kind, role_)))
    return f"{word} {n}" if n > 1 else word


def kind(kind_: str) -> str:
    return str(words("zh").say(KINDS[Kind(kind_)]))


@dataclass(frozen=True)
class Seen:
    """A view with the very page that its party gets; of a case elsewhere only `transfer`."""

    view: CaseView
    page: CasePage | None
    transfer: TransferPage | None


def seen(view: CaseView) -> Seen:
    """The view in the words of the public page."""
    parts, chinese = runtime(), words("zh")
    if view.transferred_to is not None:
        return Seen(view, None, casepage.transfer(view, chinese))
    grant = parts.settings.policy.grant(view.kind, view.role)
    today = bureau_date(parts.clock())
    return Seen(view, casepage.build(view, grant, parts.settings.bureau, chinese, today), None)
