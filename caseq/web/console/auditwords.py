"""The acts of the audit, and what is noted of them, in the words of the auditor."""

from collections.abc import Mapping

from caseq.granting import Deed
from caseq.looking import SEARCH
from caseq.rules.approval import Decision
from caseq.rules.looks import LookAct

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
FACTS: Mapping[str, str] = {}
