"""The first page of the console: what waits for whoever is signed in, by duty."""

from collections.abc import Mapping

from flask import Blueprint, Response

from caseq.intake import alerting, reviewing
from caseq.rules.duties import Duty
from caseq.web.console import gate, homewords
from caseq.web.current import runtime
from caseq.web.language import words

blueprint = Blueprint("home", __name__, url_prefix=gate.PREFIX)

#: The door to each duty: where it is, what stands on it and beside it. A duty without a page of its own has none.
DOORS: Mapping[Duty, tuple[str, str, str]] = {
    Duty.QUEUE: ("review.queue", "待审核发布", "按到期先后，看每类人会看到什么"),
    Duty.DELEGATE: ("review.delegations", "委托他人代签", "出差、休假时由谁代签"),
    Duty.CASE_DESK: ("desk.start", "案件台", "写明原因，看一个人能看到什么"),
    Duty.PHONE_DESK: ("phone.start", "电话台", "来电人报编号和码，照着念"),
    Duty.COUNTER: ("counter.start", "窗口", "看证件、改手机号、打印查询码"),
    Duty.COSIGN: ("counter.numbers", "号码更正", "第二人同意"),
    Duty.NOTICES: ("delivery.waiting", "文书告知", "复议、赔偿、信访、行政管理"),
    Duty.AUDIT: ("audit.audit", "审计", "谁看过、做过什么，有没有不寻常的查看"),
    Duty.INBOX: ("inbox.unit", "投诉和评价", "本单位要答复的投诉，当事人的评价"),
    Duty.SUPERVISE: ("inbox.supervisor", "二次投诉", "对答复不满意的，超期没有答复的"),
    Duty.REPORTS: ("report.report", "年度报告", "查询、告知是否按时、短信、不予公开，可下载"),
    Duty.TASKS: ("boards.tasks", "要人办的事", "打电话、当面告知、查短信"),
    Duty.QUARANTINE: ("boards.refused", "没有收下的推送", "哪里不对，改哪里"),
    Duty.FRESHNESS: ("boards.freshness", "数据新不新", "哪个来源太久没有推送"),
    Duty.STAFF: ("people.people", "账号", "加、停用、重发初始密码"),
}


@blueprint.get("")
def home() -> Response:
    """The doors of one's duties, how much waits behind each, and the alerts that were not seen."""
    parts, who = runtime(), gate.me()
    waiting = reviewing.queue(parts, who).waiting if who.may(Duty.QUEUE) else ()
    beside = homewords.beside(parts, who, waiting)
    doors = [(*door, beside.get(duty, ())) for duty, door in DOORS.items() if who.may(duty)]
    found = [homewords.alert(line, stage, words("zh")) for line, stage in alerting.unseen(parts, who, waiting)]
    return gate.show("home", doors=doors, alerts=found)


@blueprint.post("/alerts/<int:release_id>")
def see(release_id: int) -> Response:
    """Notes that the alerts of one change were seen."""
    alerting.see(runtime(), gate.me(), release_id)
    return gate.go("home.home")
