"""The receipt of whoever stands at the counter, as a page to print or as PDF; with codes it is shown this once."""

from flask import Blueprint, Response, make_response, request

from caseq import counter, noticing, printing
from caseq.counter import Refused
from caseq.errors import CannotPrint
from caseq.noticing import Failed, Order, Printed
from caseq.rules.papercodes import LINES
from caseq.store.deskparties import DeskParty
from caseq.web import receiptwords
from caseq.web.account import qr_of
from caseq.web.console import gate
from caseq.web.console.counter import REASON, papers_seen, person_page, refused_page
from caseq.web.console.forms import number_in
from caseq.web.current import runtime

blueprint = Blueprint("receipt", __name__, url_prefix=f"{gate.PREFIX}/counter/receipt")

_FAULTS = {
    Failed.NOBODY: "没有找到这个人，请重新查",
    Failed.NOT_ONLINE: "这个人现在不能上网查，请当面告知",
    Failed.ASK_FIRST: "要小心：请先单独问本人，这张纸带回家安全不安全，要不要查询码和短信。问过了，在下面勾上",
    Failed.COPY: "存根不印查询码",
}


@blueprint.post("")
def receipt() -> Response:
    """Makes the receipt, or its copy for the files, once the papers are enough."""
    party_id = number_in("party")
    answer = counter.identify(runtime(), gate.me(), party_id, papers_seen())
    if isinstance(answer, Refused):
        return refused_page(answer, party_id)
    is_pdf = request.form.get("as") == "pdf"
    if is_pdf and printing.state() != "ok":
        return person_page(answer, "这台机器现在不能印 PDF，请用网页打印，并告诉管理员")
    made = noticing.print_receipt(runtime(), _order(answer), gate.me().badge, REASON, gate.me())
    if isinstance(made, Failed):
        return person_page(answer, _FAULTS[made])
    return _pdf(answer, made) if is_pdf else _page(made)


def _order(party: DeskParty) -> Order:
    form = request.form
    codes = LINES if form.get("codes") == "1" else 0
    return Order(party.case_number, party.key, codes, form.get("copy") == "1", form.get("asked") == "1")


def _page(made: Printed) -> Response:
    address = receiptwords.address_of(runtime().settings, made.receipt.query_number)
    facts = receiptwords.facts(made, runtime().settings)
    return gate.show("receipt", it=facts, qr=qr_of(address) if address else None)


def _pdf(party: DeskParty, made: Printed) -> Response:
    settings = runtime().settings
    address = receiptwords.address_of(settings, made.receipt.query_number)
    try:
        response = make_response(printing.receipt(receiptwords.facts(made, settings), address))
    except CannotPrint:
        return person_page(party, "没有印成，请用网页打印，并告诉管理员。再印一次会换新的查询码")
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Content-Disposition"] = 'inline; filename="receipt.pdf"'
    response.headers["Cache-Control"] = "no-store"
    return response
