"""Answers of the public pages: a page, or the way to another one."""

from typing import Any

from flask import Response, make_response, redirect, render_template, url_for


def page(name: str, status: int = 200, **values: Any) -> Response:
    """The page of this name in templates/pages."""
    return make_response(render_template(f"pages/{name}.html", **values), status)


def go(endpoint: str) -> Response:
    """A redirect that a browser follows with GET."""
    return plain(redirect(url_for(endpoint if "." in endpoint else f"pages.{endpoint}"), 303))


def plain(response: Any) -> Response:
    return make_response(response)
