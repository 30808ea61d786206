"""The console of the bureau, /staff: one module for each desk, one table of who may open what, one gate before all."""

from flask import Flask

from caseq.web.console import audit, counter, delivery, desk, entrance, gate, home, inbox, phone, report, review

BLUEPRINTS = (
    audit.blueprint,
    counter.blueprint,
    delivery.blueprint,
    desk.blueprint,
    entrance.blueprint,
    home.blueprint,
    inbox.blueprint,
    phone.blueprint,
    report.blueprint,
    review.blueprint,
)
from caseq.web.console import boards, entrance, gate, home, people, review
BLUEPRINTS = (entrance.blueprint, home.blueprint, review.blueprint, boards.blueprint, people.blueprint)


def register(app: Flask) -> None:
    """Put the gate before everything under /staff, and the desks behind it."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    gate.register(app)
