"""The console of the bureau, /staff: one module for each desk, one table of who may open what, one gate before all."""

from flask import Flask

from caseq.web.console import (
    audit,
    boards,
    counter,
    delivery,
    desk,
    entrance,
    gate,
    home,
    inbox,
    people,
    phone,
    receipt,
    report,
    review,
)

BLUEPRINTS = (
    audit.blueprint,
    boards.blueprint,
    counter.blueprint,
    delivery.blueprint,
    desk.blueprint,
    entrance.blueprint,
    home.blueprint,
    inbox.blueprint,
    people.blueprint,
    phone.blueprint,
    receipt.blueprint,
    report.blueprint,
    review.blueprint,
)


def register(app: Flask) -> None:
    """Put the gate before everything under /staff, and the desks behind it."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    gate.register(app)
