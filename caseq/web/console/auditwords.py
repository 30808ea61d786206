"""The acts of the audit, and what is noted of them, in the words of the auditor."""

from collections.abc import Mapping
from datetime import datetime

from caseq.granting import Deed
from caseq.looking import SEARCH
from caseq.rules.approval import Decision
from caseq.rules.looks import LookAct
from caseq.web.console import gate
from caseq.web.console.deskwords import METHODS, PAPERS
from caseq.web.console.people import ROLES
from caseq.web.voicepages import ABOUT_WORDS

ACTS: Mapping[str, str] = {
    # Parties
    "ask_code": "有人要验证码",
    "arrive": "从上级平台转来",
    "login": "当事人登录",
    "view": "当事人查看",
    "sign_out": "当事人退出",
    "sign_out_all": "当事人退出所有设备",
    "prefer": "当事人改设置",
    "enrol": "当事人开始绑定认证器",
    "confirm_app": "当事人绑定认证器",
    "drop_app": "当事人停用认证器",
    "rate": "当事人评价",
    "complain": "当事人投诉",
    "complain_further": "当事人向上一级反映",
    # Desks
    LookAct.DESK: "看案件",
    LookAct.PHONE_VIEW: "电话里念给来电人",
    "phone_refused": "来电人的码对不上",
    LookAct.IDENTITY: "窗口核对证件",
    "number_ask": "申请更正手机号",
    LookAct.NUMBER_CORRECTED: "同意更正手机号",
    "number_declined": "不同意更正手机号",
    LookAct.PAPER_CODES: "打印查询码",
    LookAct.RECEIPT: "打印告知书",
    LookAct.NOTICE_MADE: "出告知文书",
    "delivery": "记文书送达结果",
    "told": "记已当面、电话或者书面告知",
    "task_done": "办完一件要人办的事",
    LookAct.COMPLAINT_ANSWER: "答复投诉",
    "complaint_read": "看投诉",
    # Release
    "release_look": "看待发布的内容",
    f"release_{Decision.AGREED}": "同意发布",
    f"release_{Decision.RETURNED}": "退回修改",
    f"release_{Decision.WITHHELD}": "决定不公开",
    f"release_{Decision.UNDONE}": "撤回发布",
    f"release_{Decision.SENT_AGAIN}": "重新提交审核",
    "alert_seen": "看过到期提醒",
    "delegate": "委托代签",
    "delegate_end": "结束代签",
    # Accounts
    "staff_add": "加账号",
    "staff_disable": "停用账号",
    "staff_anew": "重发初始密码",
    "staff_enrol": "第一次登录，换密码",
    "staff_sign_in": "登录管理台",
    "staff_prove": "再次确认本人",
    "staff_sign_out": "退出管理台",
    "staff_refused": "要做不归自己的事，被拒绝",
    # Commands and the machine
    LookAct.EXPLAIN: "查为什么看得到",
    LookAct.SAFE_CONTACT: "看怎样联系",
    LookAct.PROOF: "出告知证明",
    "code_looked_up": "查验证码发没发到",
    Deed.REVOKE: "停止查询",
    Deed.CONFIRM: "恢复查询",
    "widen": "恢复因未成年人收窄的内容",
    "phrase": "改短信里的暗语",
    "query_number": "编查询编号",
    "preview": "试看改动后的公开规则",
    "push": "办案系统报送",
    "quarantine_retry": "重试没收下的推送",
    "message_held": "扣住短信",
    "message_released": "放行短信",
    "message_retried": "重发短信",
    "news_stopped": "停发所有通知短信",
    "news_released": "恢复发通知短信",
    "number_dead": "号码收不到短信",
    "number_works": "号码又能收短信",
    "contact_broken": "联系方式和封存的对不上",
    "rotate_keys": "更换密钥",
    "watch_case": "开始关注查看",
    "unwatch_case": "不再关注查看",
    SEARCH: "查审计记录",
}
#: What else a row notes, by name; what is not here stands under its own name.
FACTS: Mapping[str, str] = {
    "about": "方面",
    "accepted": "收下",
    "asked": "已问过本人",
    "asked_by": "提出人",
    "at": "时间",
    "careful": "要小心",
    "challenge": "验证",
    "change": "号码更正",
    "changed": "改了",
    "channel": "渠道",
    "code": "代码",
    "codes": "查询码",
    "complaint": "投诉",
    "copy": "存根",
    "day": "日期",
    "delegation": "委托",
    "delivery": "告知",
    "duplicate": "重复",
    "duty": "职责",
    "ended": "结束的短信",
    "endpoint": "地址",
    "file": "文件",
    "for": "代谁",
    "form": "形式",
    "found": "找到",
    "has_text": "有文字",
    "hash": "核对码",
    "in_time": "按时",
    "item": "第几条",
    "key": "键",
    "kind": "种类",
    "level": "级",
    "lines": "行数",
    "made": "做成",
    "message": "短信",
    "method": "方式",
    "milestone": "记录",
    "of_staff": "被查的账号",
    "origin": "从哪里来",
    "outcome": "结果",
    "papers": "证件",
    "parked": "等案件的",
    "quarantine": "没收下的第几条",
    "refused": "没收下",
    "region": "平台",
    "release": "待发布第几条",
    "result": "结果",
    "role": "岗位",
    "score": "评分",
    "sms_off": "关了短信",
    "staff": "账号",
    "stale": "过时的",
    "step": "第几步",
    "task": "任务",
    "to": "给谁",
    "unit": "单位",
    "until": "到",
    "was": "原来",
    "way": "方式",
}
#: What stands there, where it is a word of ours.
_VALUES: Mapping[str, str] = {
    **{paper.value: said for paper, said in PAPERS.items()},
    **{method.value: said for method, said in METHODS.items()},
    **{role.value: said for role, said in ROLES.items()},
    **{about.value: said for about, said in ABOUT_WORDS.items()},
    "api": "程序",
    "app": "认证器",
    "by_staff": "民警",
    "call": "打电话",
    "code": "码",
    "delivered": "送到",
    "desk": "案件台",
    "in person": "当面",
    "keypad": "键盘",
    "language": "语言",
    "look": "核实",
    "not found": "没找到人",
    "own": "自己的码",
    "page": "网页",
    "paper": "纸面",
    "party": "当事人",
    "pdf": "PDF",
    "phone": "电话",
    "phrase": "暗语",
    "quiet": "夜间不发",
    "refused": "拒收",
    "safe_contact": "怎样联系",
    "sheet": "一张",
    "sms": "短信",
    "supervisor": "上一级",
    "telephone": "电话",
    "tell": "先当面告知",
    "unit": "办案单位",
    "web": "网页",
}


def said(value: object) -> str:
    """A noted value in words; empty where there is nothing to say."""
    if value is None or value == [] or value == "":
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(said(one) for one in value)
    text = str(value)
    try:
        return gate.moment(datetime.fromisoformat(text)) if "T" in text else _VALUES.get(text, text)
    except ValueError:
        return _VALUES.get(text, text)
