"""The inbox: complaints to answer, as the unit or as the office above it, and how parties rate each unit."""

from typing import Any

from flask import Blueprint, Response, abort, request

from caseq import inbox as acts
from caseq.inbox import Failed
from caseq.rules.voices import LONGEST_ANSWER, WAITS_AT, Level
from caseq.web.console import gate
from caseq.web.current import runtime
from caseq.web.language import words
from caseq.web.voicepages import ABOUT_WORDS, SCORE_WORDS, STATE_WORDS
from caseq.web.wording import role_word

blueprint = Blueprint("inbox", __name__, url_prefix=gate.PREFIX)

_SAID = {
    Failed.EMPTY: "请写答复",
    Failed.TOO_LONG: f"答复最多 {LONGEST_ANSWER} 个字",
    Failed.GONE: "这一件已经有人答复，或者已经不归这里办。没有重复答复",
}


@blueprint.get("/inbox")
def unit() -> Response:
    """What waits for the unit, and its ratings."""
    return _box(Level.UNIT)


@blueprint.get("/supervision")
def supervisor() -> Response:
    """What waits for the office above the units, and the ratings of all."""
    return _box(Level.SUPERVISOR)


@blueprint.get("/inbox/<int:complaint_id>")
def one(complaint_id: int) -> Response:
    """One complaint with its texts."""
    return _one(complaint_id)


@blueprint.get("/supervision/<int:complaint_id>")
def second(complaint_id: int) -> Response:
    """One complaint with its texts, for the office above."""
    return _one(complaint_id)


@blueprint.post("/inbox/<int:complaint_id>")
def answer(complaint_id: int) -> Response:
    """Answers as the unit."""
    return _answer(complaint_id, Level.UNIT)


@blueprint.post("/supervision/<int:complaint_id>")
def answer_second(complaint_id: int) -> Response:
    """Answers as the office above."""
    return _answer(complaint_id, Level.SUPERVISOR)


def _box(level: Level) -> Response:
    found, now = acts.box(runtime(), gate.me(), level), runtime().clock()
    is_done = request.args.get("done") == "1"
    return gate.show("inbox", box=found, now=now, level=level, is_done=is_done, **_words())


def _one(complaint_id: int, fault: str | None = None, typed: str = "", status: int = 200) -> Response:
    found = acts.read(runtime(), gate.me(), complaint_id)
    if found is None:
        abort(404)
    listed, complaint = found
    mine = WAITS_AT.get(complaint.state) is acts.level_of(gate.me())
    more = {"is_mine": mine, "fault": fault, "typed": typed, "longest": LONGEST_ANSWER, "now": runtime().clock()}
    level = acts.level_of(gate.me())
    return gate.show("complaint", status, listed=listed, complaint=complaint, level=level, **more, **_words())


def _answer(complaint_id: int, level: Level) -> Response:
    typed = request.form.get("text", "")
    failed = acts.answer(runtime(), gate.me(), complaint_id, typed)
    if failed is None:
        return gate.go("inbox.unit" if level is Level.UNIT else "inbox.supervisor", done=1)
    return _one(complaint_id, _SAID[failed], typed, 409 if failed is Failed.GONE else 422)


def _words() -> dict[str, Any]:
    def role(kind: str, name: str) -> str:
        return words("zh").say(role_word(kind, name))

    return {"abouts": ABOUT_WORDS, "scores": SCORE_WORDS, "states": STATE_WORDS, "role": role, "Level": Level}
