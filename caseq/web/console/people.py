"""Accounts of the bureau's people: who has one, a new one, the end of one, a new first password."""

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, request

from caseq import staffing
from caseq.rules.duties import Staff, StaffRole, is_account_fit
from caseq.runtime import Runtime
from caseq.web.console import gate
from caseq.web.console.forms import plain
from caseq.web.current import runtime

blueprint = Blueprint("people", __name__, url_prefix=f"{gate.PREFIX}/people")

ROLES: Mapping[StaffRole, str] = {
    StaffRole.WINDOW_CLERK: "窗口民警",
    StaffRole.UNIT: "办案民警",
    StaffRole.REVIEWER: "办公室初审",
    StaffRole.SECRECY_REVIEWER: "保密审查",
    StaffRole.LEADER: "负责人",
    StaffRole.AUDITOR: "督察",
    StaffRole.ADMINISTRATOR: "管理员",
}
_LONGEST_REASON = 200
_NO_REASON = "请写明原因"
_NOT_YOURS = "没有这个警号，或者已经停用；自己的账号要由另一位管理员办"
_Act = Callable[[Runtime, str, Staff, str], object]


@blueprint.get("")
def people() -> Response:
    """Every account there is or was."""
    return gate.prove_first() or _page()


@blueprint.post("")
def add() -> Response:
    """Makes an account and shows its first password, this once."""
    if (first := gate.prove_first()) is not None:
        return first
    badge, name, unit = (_typed(field) for field in ("badge", "name", "unit"))
    role = next((one for one in StaffRole if one == request.form.get("role")), None)
    if role is None or not 0 < len(name) <= 100 or not is_account_fit(badge, role, unit or None):
        return _page("警号只用字母和数字，姓名、岗位要写；办案民警要写单位代码")
    password = staffing.hire(runtime(), badge, name, role, unit or None, gate.me())
    return _page("这个警号有账号，或者以前有过") if password is None else _shown(badge, password)


@blueprint.post("/<badge>/disable")
def disable(badge: str) -> Response:
    """Ends an account, with its sessions."""
    return _done(staffing.disable, badge)


@blueprint.post("/<badge>/anew")
def anew(badge: str) -> Response:
    """Takes password and app away and shows a new first password, this once."""
    return _done(staffing.begin_anew, badge)


def _done(act: _Act, badge: str) -> Response:
    """What an act did to an account: a first password to be shown, or nothing more to say."""
    if (first := gate.prove_first()) is not None:
        return first
    if not 0 < len(reason := _typed("reason")) <= _LONGEST_REASON:
        return _page(_NO_REASON)
    done = act(runtime(), badge, gate.me(), reason)
    if not done:
        return _page(_NOT_YOURS)
    return _shown(badge, done) if isinstance(done, str) else gate.go("people.people")


def _page(fault: str | None = None) -> Response:
    return gate.show("people", 422 if fault else 200, found=staffing.listed(runtime()), roles=ROLES, fault=fault)


def _shown(badge: str, password: str) -> Response:
    return gate.show("first-password", badge=badge, password=password)


def _typed(field: str) -> str:
    text = plain(request.form.get(field, ""))
    return text if text.isprintable() else ""
