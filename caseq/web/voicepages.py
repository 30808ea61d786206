"""The pages on which a party rates the service and complains of it; no script, nothing in an address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, Response, request
from markupsafe import Markup

from caseq import voicing
from caseq.rules.voices import LONGEST_TEXT, SCORES, About, State
from caseq.store.complaints import Complaint, Turn
from caseq.voicing import Failed, Heard
from caseq.web.browser import SESSION, drop, page_words, remember_choices, session_token
from caseq.web.current import runtime
from caseq.web.language import N_, Words
from caseq.web.rendering import go, page

blueprint = Blueprint("voices", __name__)
blueprint.after_request(remember_choices)

#: The best first, as people read them.
SCORE_WORDS: Mapping[int, str] = {
    5: N_("很满意"),
    4: N_("满意"),
    3: N_("一般"),
    2: N_("不满意"),
    1: N_("很不满意"),
}
ABOUT_WORDS: Mapping[About, str] = {
    About.LATE: N_("太慢，过了期限"),
    About.WRONG: N_("内容不对"),
    About.CANNOT_SEE: N_("应当能看到的看不到"),
    About.CONDUCT: N_("民警的言行"),
    About.OTHER: N_("别的"),
}
STATE_WORDS: Mapping[State, str] = {
    State.OPEN: N_("等办案单位答复"),
    State.ANSWERED: N_("办案单位已经答复"),
    State.SECOND: N_("等上一级答复"),
    State.CLOSED: N_("已经办完"),
}
_FAULTS: Mapping[Failed, str] = {
    Failed.EMPTY: N_("请写几句，是什么事"),
    Failed.TOO_LONG: N_("最多写 500 个字，请写短一些"),
    Failed.TOO_MANY: N_("已经有几件在等答复。有了答复，再写新的"),
    Failed.NOT_NOW: N_("这一件现在不能往上反映，请看上面的说明"),
}
_NO_SCORE, _NO_ABOUT = N_("请选一项，满意不满意"), N_("请选一项，是哪方面的事")


@blueprint.get("/case/rating")
def rating() -> Response:
    """The one question, with what was said this month."""
    said = voicing.rating(runtime(), session_token())
    if isinstance(said, Failed):
        return _elsewhere(said)
    score, text = (said.score, said.text) if said else (None, "")
    return _rating(200, score=score, typed=text, is_kept=said is not None)


@blueprint.post("/case/rating")
def rate() -> Response:
    """Keeps the rating, and shows the page again."""
    score, typed = request.form.get("score", ""), request.form.get("text", "")
    if score not in {str(one) for one in SCORES}:
        return _rating_again(_NO_SCORE, "score-5", typed)
    said = voicing.rate(runtime(), session_token(), int(score), typed)
    if said is Failed.TOO_LONG:
        return _rating_again(_FAULTS[said], "text", typed, int(score))
    return _elsewhere(said) if isinstance(said, Failed) else go("voices.rating")


def _rating_again(fault: str, field: str, typed: str, score: int | None = None) -> Response:
    """The page with what is wrong, for nobody but those who may say something."""
    said = voicing.rating(runtime(), session_token())
    return (
        _elsewhere(said)
        if isinstance(said, Failed)
        else _rating(422, score=score, typed=typed, fault=fault, field=field)
    )


def _rating(status: int, **values: object) -> Response:
    scores = [(score, page_words().say(said)) for score, said in SCORE_WORDS.items()]
    return page("rating", status, scores=scores, longest=LONGEST_TEXT, signed_in=True, **values)


@blueprint.get("/case/complaint")
def complaint() -> Response:
    """What was complained of with its answers, and the form for more."""
    return _complaint(200)


@blueprint.post("/case/complaint")
def complain() -> Response:
    """Keeps a complaint, and shows the page again."""
    about, typed = request.form.get("about", ""), request.form.get("text", "")
    if about not in set(About):
        return _complaint(422, typed=typed, fault=_NO_ABOUT, field=f"about-{About.LATE}")
    made = voicing.complain(runtime(), session_token(), About(about), typed)
    if isinstance(made, Failed):
        return _refused(made, typed=typed, about=about, field="text")
    return go("voices.complaint")


@blueprint.post("/case/complaint/further")
def go_on() -> Response:
    """Takes a complaint to the office above, and shows the page again."""
    n, typed = request.form.get("n", ""), request.form.get("text", "")
    if not (n.isascii() and n.isdigit() and len(n) < 6):
        return go("voices.complaint")
    failed = voicing.go_on(runtime(), session_token(), int(n), typed)
    if failed is None:
        return go("voices.complaint")
    return _refused(failed, further=int(n), typed_further=typed, field=f"further-{n}")


def _refused(failed: Failed, field: str, **values: object) -> Response:
    if failed in (Failed.TOO_MANY, Failed.NOT_NOW):
        return _complaint(409, fault=_FAULTS[failed], field="made", **values)
    fault = _FAULTS.get(failed)
    return _elsewhere(failed) if fault is None else _complaint(422, fault=fault, field=field, **values)


def _complaint(status: int, **values: object) -> Response:
    heard = voicing.heard(runtime(), session_token())
    if isinstance(heard, Failed):
        return _elsewhere(heard)
    words = page_words()
    return page(
        "complaint",
        status,
        made=lines(heard, words),
        may_complain=heard.may_complain,
        abouts=[(about.value, words.say(said)) for about, said in ABOUT_WORDS.items()],
        voices=runtime().settings.voices,
        longest=LONGEST_TEXT,
        signed_in=True,
        **values,
    )


@dataclass(frozen=True)
class Exchange:
    """What was said and what was answered, in words; `until` is empty once there is an answer."""

    text: str
    at: str
    until: str
    is_provisional: bool
    answer: str
    answered: str


@dataclass(frozen=True)
class Line:
    """One complaint, ready to be printed."""

    n: int
    about: Markup
    state: Markup
    waits: bool
    first: Exchange
    second: Exchange | None
    may_go_on: bool


def lines(heard: Heard, words: Words) -> Sequence[Line]:
    """The complaints of a grant in words, newest first."""
    return [_line(one, one.n in heard.may_go_on, words) for one in heard.complaints]


def _line(one: Complaint, may_go_on: bool, words: Words) -> Line:
    second = None if one.second is None else _exchange(one.second, words)
    waits = one.state in (State.OPEN, State.SECOND)
    said = words.say(ABOUT_WORDS[one.about]), words.say(STATE_WORDS[one.state])
    return Line(one.n, *said, waits, _exchange(one.first, words), second, may_go_on)


def _exchange(turn: Turn, words: Words) -> Exchange:
    until = "" if turn.answered_at else words.long_day(turn.due_at - timedelta.resolution)
    answered = words.day(turn.answered_at) if turn.answered_at else ""
    return Exchange(turn.text, words.day(turn.at), until, turn.is_provisional, turn.answer, answered)


def _elsewhere(failed: Failed) -> Response:
    """Where somebody goes who may not say anything here: to the case that another organ handles, or out."""
    if failed is Failed.ELSEWHERE:
        return go("pages.case")
    return drop(go("timeout"), SESSION) if session_token() else go("start")
