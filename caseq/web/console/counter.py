"""The counter: whose papers a clerk has seen, and what is then done for that person; the second person's list."""

from flask import Blueprint, Response, make_response, request

from caseq import counter, desk, noticing, numbering, paper, printing
from caseq.counter import Refused
from caseq.errors import CannotPrint
from caseq.rules.case import Role, bureau_date
from caseq.rules.numbers import LONGEST_NUMBER
from caseq.rules.papers import NEEDED, Paper
from caseq.store.deskparties import DeskParty
from caseq.store.tellings import By
from caseq.texting import persons
from caseq.web.console import deskwords, gate
from caseq.web.console.forms import number_in
from caseq.web.current import runtime

blueprint = Blueprint("counter", __name__, url_prefix=f"{gate.PREFIX}/counter")

#: Why a clerk looks into a case here; it stands in the audit.
REASON = "窗口办理"
_DONE = {
    "asked": "已提交。请第二人在“号码更正”里同意，30 分钟内有效。",
    "told": "已记下：当面告知。",
    "agreed": "号码已经更正。旧号码会收到提示。",
    "declined": "这个更正已经取消。",
}
_NOT_TOLD = "没有记下。请看一下是不是刚刚有变动；同名有几条的，请办案单位记"


@blueprint.get("")
def start() -> Response:
    """Asks for a number."""
    return gate.show("counter", done=_DONE.get(request.args.get("done", "")))


@blueprint.post("")
def search() -> Response:
    """The parties of the case, by role, to whom the person at the counter may be one."""
    typed = {name: request.form.get(name, "")[:LONGEST_NUMBER] for name in ("case_number", "phone")}
    found = desk.search(runtime(), gate.me(), typed["case_number"], REASON, typed["phone"])
    if isinstance(found, desk.Refused):
        return gate.show("counter", 422, typed=typed, fault=deskwords.DESK_FAULTS[found])
    return gate.show("counter", typed=typed, found=found, words_of=deskwords)


@blueprint.post("/papers")
def papers() -> Response:
    """Which papers this role needs."""
    shown = desk.read(runtime(), gate.me(), number_in("party"), REASON)
    if isinstance(shown, desk.Refused):
        return gate.show("counter", 422, fault=deskwords.DESK_FAULTS[shown])
    return _papers(shown.party)


@blueprint.post("/person")
def person() -> Response:
    """What can be done for this person, once the papers are enough."""
    party_id = number_in("party")
    answer = counter.identify(runtime(), gate.me(), party_id, papers_seen())
    return refused_page(answer, party_id) if isinstance(answer, Refused) else person_page(answer)


@blueprint.post("/number")
def number() -> Response:
    """Asks for another number, which a second person must agree to."""
    party_id, typed = number_in("party"), request.form.get("phone", "")
    answer = counter.ask_number(runtime(), gate.me(), party_id, papers_seen(), typed)
    return refused_page(answer, party_id) if isinstance(answer, Refused) else gate.go("counter.start", done="asked")


@blueprint.post("/codes")
def codes() -> Response:
    """A new sheet of paper codes as PDF, shown this once."""
    answer = counter.identify(runtime(), gate.me(), number_in("party"), papers_seen())
    if isinstance(answer, Refused):
        return refused_page(answer, number_in("party"))
    if printing.state() != "ok":
        return person_page(answer, "这台机器现在不能打印，请告诉管理员")
    if noticing.grounds_of(runtime(), answer.party_id) and request.form.get("asked") != "1":
        return person_page(answer, "要小心：请先单独问本人要不要查询码，问过了，勾上再印")
    issued = paper.print_for(runtime(), gate.me(), answer.case_number, answer.key, REASON)
    if isinstance(issued, paper.Failed):
        return refused_page(Refused.NOBODY, answer.party_id)
    try:
        response = make_response(printing.code_sheet(_sheet(issued)))
    except CannotPrint:
        return person_page(answer, "没有印成，请告诉管理员。再印一次会换新的查询码")
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = 'inline; filename="codes.pdf"'
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/told")
def told() -> Response:
    """Notes that the clerk told this person of one thing."""
    answer = counter.identify(runtime(), gate.me(), number_in("party"), papers_seen())
    if isinstance(answer, Refused):
        return refused_page(answer, number_in("party"))
    me, now, milestone = gate.me(), runtime().clock(), request.form.get("milestone", "")
    whom = (answer.case_number, answer.key, milestone)
    recorded = persons.told(runtime(), *whom, By.IN_PERSON, now, me.badge, me.id)
    return (
        gate.go("counter.start", done="told")
        if isinstance(recorded, persons.Recorded)
        else person_page(answer, _NOT_TOLD)
    )


@blueprint.get("/numbers")
def numbers() -> Response:
    """The corrections that wait for a second person."""
    return _numbers()


@blueprint.post("/numbers/<int:change_id>/agree")
def agree(change_id: int) -> Response:
    """Agrees as the second person, who has just shown again who they are."""
    if (first := gate.prove_first()) is not None:
        return first
    answer = counter.agree(runtime(), gate.me(), change_id, gate.signed_in().proven_at)
    return _numbers(answer) if isinstance(answer, Refused) else gate.go("counter.numbers", done="agreed")


@blueprint.post("/numbers/<int:change_id>/decline")
def decline(change_id: int) -> Response:
    """Ends a correction that waits."""
    answer = counter.decline(runtime(), gate.me(), change_id)
    return gate.go("counter.numbers", done="declined") if answer is None else _numbers(answer)


def _numbers(refused: Refused | None = None) -> Response:
    waiting = counter.waiting(runtime(), gate.me())
    fault = deskwords.COUNTER_FAULTS[refused] if refused else None
    done = _DONE.get(request.args.get("done", ""))
    status = 422 if refused else 200
    return gate.show("numbers", status, waiting=waiting, fault=fault, done=done, words_of=deskwords)


def papers_seen() -> list[Paper]:
    """The papers that the clerk ticked."""
    ticked = set(request.form.getlist("paper"))
    return [one for one in Paper if one.value in ticked]


def _papers(party: DeskParty, refused: Refused | None = None) -> Response:
    needed = [[deskwords.PAPERS[one] for one in Paper if one in enough] for enough in NEEDED[Role(party.role)]]
    fault = deskwords.COUNTER_FAULTS[refused] if refused else None
    choices = [(one, deskwords.PAPERS[one]) for one in Paper if any(one in some for some in NEEDED[Role(party.role)])]
    values = {"party": party, "needed": needed, "choices": choices, "fault": fault, "words_of": deskwords}
    return gate.show("papers", 422 if fault else 200, **values)


def person_page(party: DeskParty, fault: str | None = None) -> Response:
    """What can be done for this person, with why something was not."""
    shown = desk.read(runtime(), gate.me(), party.party_id, REASON)
    view = None if isinstance(shown, desk.Refused) else shown.view
    seen = deskwords.seen(view) if view else None
    is_careful = bool(noticing.grounds_of(runtime(), party.party_id))
    values = {"party": party, "seen": seen, "papers": papers_seen(), "is_careful": is_careful, "fault": fault}
    return gate.show("person", 422 if fault else 200, **values, words_of=deskwords)


def refused_page(refused: Refused, party_id: int) -> Response:
    """The page on which it can be put right, with why nothing was done."""
    if refused is Refused.NOT_YOURS:
        return gate.refuse()
    shown = desk.read(runtime(), gate.me(), party_id, REASON)
    if isinstance(shown, desk.Refused):
        return gate.show("counter", 422, fault=deskwords.COUNTER_FAULTS[Refused.NOBODY])
    if refused is Refused.PAPERS:
        return _papers(shown.party, refused)
    return person_page(shown.party, deskwords.COUNTER_FAULTS[refused])


def _sheet(issued: paper.Issued) -> printing.CodeSheet:
    settings, grant = runtime().settings, issued.grant
    return printing.CodeSheet(
        bureau=settings.bureau,
        public_address=settings.public_url,
        query_number=numbering.query_number(runtime(), grant.case_number, gate.me().badge, REASON),
        issued_on=bureau_date(issued.made_at),
        valid_until=bureau_date(issued.expires_at),
        sheet=issued.letter,
        lines=issued.lines,
    )
