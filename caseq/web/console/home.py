"""The first page of the console: what waits for whoever is signed in, by duty."""

from collections.abc import Mapping

from flask import Blueprint, Response

from caseq.rules.duties import Duty
from caseq.web.console import gate

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
}


@blueprint.get("")
def home() -> Response:
    """The doors of one's duties."""
    doors = [door for duty, door in DOORS.items() if gate.me().may(duty)]
    return gate.show("home", doors=doors)
