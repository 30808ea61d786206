"""Headers of every answer, and the origin check of every form."""

from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

from caseq.settings import Settings

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
_YEAR_SECONDS = 31_536_000


def register(app: Flask, settings: Settings) -> None:
    """Install the headers and the refusal of forms that another site sent."""

    @app.before_request
    def refuse_foreign_forms() -> None:
        """A page of another site must not act here, whatever cookies the browser sends along."""
        if request.method in ("GET", "HEAD", "OPTIONS") or request.path.startswith(("/api/", "/push/")):
            return
        if request.mimetype not in ("application/x-www-form-urlencoded", "multipart/form-data"):
            abort(403)
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            abort(403)
        origin = request.headers.get("Origin", "null")
        if origin != "null" and urlsplit(origin).netloc != request.host:
            abort(403)

    @app.after_request
    def protect(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "no-referrer")
        headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        if request.endpoint != "static":
            headers.setdefault("Cache-Control", "no-store")
        if settings.secure_cookies:
            headers.setdefault("Strict-Transport-Security", f"max-age={_YEAR_SECONDS}; includeSubDomains")
        return response
