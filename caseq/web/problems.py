"""Errors as answers: `application/problem+json` (RFC 9457) for programs, a page for people, one table for both."""

import structlog
from flask import Flask, Response, json, render_template, request
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from caseq.errors import DatabaseUnavailable, NotJson

log = structlog.get_logger("caseq.web")

RETRY_AFTER_SECONDS = 5
#: Where programs come, with neither cookies nor forms of a page; each of them proves who it is by itself.
PROGRAMS = ("/api/", "/push/", "/sms/status")
_TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    413: "Content too large",
    415: "Unsupported media type",
    429: "Too many requests",
    500: "Internal error",
    503: "Temporarily unavailable",
}


def problem(status: int, detail: str | None = None, **headers: str) -> Response:
    """A problem answer; `detail` only where it tells a stranger nothing."""
    body: dict[str, object] = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status}
    if detail:
        body["detail"] = detail
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(json.dumps(body), status, {**named, "Content-Type": "application/problem+json"})


def is_for_programs() -> bool:
    """Whether the request came to a route of programs rather than to a page."""
    return request.path.startswith((*PROGRAMS, "/healthz", "/readyz", "/metrics"))


def answer(
    status: int, detail: str | None = None, *, retry_after: int | None = None, words_of: int | None = None
) -> Response:
    """A problem for programs, a page for people; the page may have the words of another status."""
    headers = {"Retry_After": str(retry_after)} if retry_after is not None else {}
    if is_for_programs():
        return problem(status, detail, **headers)
    page = "console/error.html" if request.path.startswith("/staff") else "pages/error.html"
    response = Response(render_template(page, status=words_of or status), status, mimetype="text/html")
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def register(app: Flask) -> None:
    """Install the one place where errors become answers."""

    @app.errorhandler(NotJson)
    def not_json(error: NotJson) -> Response:
        return answer(400, f"not strict JSON: {error}")

    @app.errorhandler(DatabaseUnavailable)
    def database_unavailable(error: DatabaseUnavailable) -> Response:
        log.error("database_unavailable", cause=str(error))
        return answer(503, retry_after=RETRY_AFTER_SECONDS)

    @app.errorhandler(RateLimitExceeded)
    def too_many(error: RateLimitExceeded) -> Response:
        log.warning("rate_limited", endpoint=request.endpoint)
        return answer(429, retry_after=int(error.limit.limit.get_expiry()))

    @app.errorhandler(CSRFError)
    def forged(_error: CSRFError) -> Response:
        return answer(403, words_of=400)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        response = answer(status)
        if status == 405 and getattr(error, "valid_methods", None):
            response.headers["Allow"] = ", ".join(error.valid_methods or ())  # type: ignore[attr-defined]
        return response

    @app.errorhandler(Exception)
    def surprise(error: Exception) -> Response:
        log.error("surprise", kind=type(error).__name__, exc_info=error)
        return answer(500)
