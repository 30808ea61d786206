"""What every request handler needs of the running service."""

from flask import current_app, request

from caseq.runtime import Runtime

LANGUAGES = ("zh", "en")


def runtime() -> Runtime:
    """The runtime of the application that handles this request."""
    found: Runtime = current_app.extensions["caseq"]
    return found


def api_language() -> str:
    """The language of an API request: `?lang=`, otherwise Accept-Language, otherwise zh."""
    asked = request.args.get("lang", "")
    return asked if asked in LANGUAGES else request.accept_languages.best_match(LANGUAGES, default="zh") or "zh"


def bearer_token() -> str:
    """The token of `Authorization: Bearer …`, or an empty text."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
