"""The address in the QR code of a paper: it fills in the query number, so that nobody has to type it."""

from flask import Blueprint, Response, make_response, redirect, url_for

from caseq.rules import querynumbers
from caseq.rules.numbers import lookup_key
from caseq.web.browser import STEPS, Steps, drop, keep_steps, read_steps, remember_choices

blueprint = Blueprint("prefill", __name__)
blueprint.after_request(remember_choices)


@blueprint.get("/q/<number>")
def prefill(number: str) -> Response:
    """Goes to the start page with the number in its field; with an empty field if this is no query number.

    Nothing is looked up. The number goes on in the sealed cookie only, so that the address that stays holds none.
    """
    response = make_response(redirect(url_for("pages.start"), 303))
    key = lookup_key(number)
    if not querynumbers.is_right(key):
        return drop(response, STEPS)
    if lookup_key(read_steps().case_number) == key:
        return response
    return keep_steps(response, Steps(case_number=querynumbers.printed(key)))
