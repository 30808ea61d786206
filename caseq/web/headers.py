"""Headers of every answer, and the origin check of every form."""

from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

from caseq.settings import Settings
from caseq.web.problems import PROGRAMS

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_YEAR_SECONDS = 31_536_000


def register(app: Flask, settings: Settings) -> None:
    """Install the headers and the refusal of forms that another site sent."""

    @app.before_request
    def refuse_foreign_forms() -> None:
        """A page of another site must not act here, whatever cookies the browser sends along."""
        if request.method in ("GET", "HEAD", "OPTIONS") or request.path.startswith(PROGRAMS):
            return
        if request.mimetype not in ("application/x-www-form-urlencoded", "multipart/form-data"):
            abort(403)
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            abort(403)
        origin = request.headers.get("Origin", "null")
        if origin != "null" and urlsplit(origin).netloc != request.host:
            abort(403)

    always = dict(ALWAYS)
    if settings.secure_cookies:
        always["Strict-Transport-Security"] = f"max-age={_YEAR_SECONDS}; includeSubDomains"

    @app.after_request
    def protect(response: Response) -> Response:
        """No view sets any of these by itself, so they need not be looked for; Cache-Control some do."""
        for name, value in always.items():
            response.headers.add(name, value)
        if request.endpoint != "static":
            response.headers.setdefault("Cache-Control", "no-store")
        return response
