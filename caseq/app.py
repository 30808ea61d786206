"""create_app: the Flask application around a runtime."""

import gc
import os
import signal
import threading
import time

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect
from jinja2 import FileSystemLoader
from werkzeug.middleware.proxy_fix import ProxyFix

from caseq import logs, runtime
from caseq.runtime import Runtime
from caseq.settings import load, shipped
from caseq.web import (
    account,
    api,
    apivoices,
    bodies,
    console,
    demo,
    headers,
    kept,
    limits,
    openapi,
    operations,
    pages,
    performance,
    prefill,
    problems,
    push,
    receipts,
    region,
    smspage,
    voicepages,
)


def create_app(parts: Runtime) -> Flask:
    """The application; all it needs is in `parts`."""
    settings = parts.settings
    app = Flask("caseq", static_folder="web/static", static_url_path="/static")
    app.extensions["caseq"] = parts
    app.secret_key = parts.sealer.derived(parts.sealer.key_id, "flask")
    app.config["SECRET_KEY_FALLBACKS"] = parts.sealer.derived_by_older_keys("flask")
    app.config["MAX_CONTENT_LENGTH"] = bodies.LARGEST_BYTES + 1
    prefix = "__Host-" if settings.secure_cookies else ""
    app.config.update(
        SESSION_COOKIE_NAME=f"{prefix}caseq-form",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        # Pages send no Referer at all (Referrer-Policy), so the check that needs one is replaced by web/headers.py.
        WTF_CSRF_SSL_STRICT=False,
    )
    app.session_interface = _FormSessions()
    app.jinja_loader = FileSystemLoader(shipped("templates"))
    kept.prepare(app)
    operations.register(app)
    headers.register(app, settings)
    csrf = CSRFProtect(app)
    for blueprint in (push.blueprint, api.blueprint, apivoices.blueprint, receipts.blueprint, openapi.blueprint):
        app.register_blueprint(blueprint)
        csrf.exempt(blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(account.blueprint)
    app.register_blueprint(voicepages.blueprint)
    app.register_blueprint(prefill.blueprint)
    app.register_blueprint(region.blueprint)
    app.register_blueprint(smspage.blueprint)
    app.register_blueprint(performance.blueprint)
    if settings.demo:
        app.register_blueprint(demo.blueprint)
    console.register(app)
    pages.prepare(app)
    limits.register(app, settings)
    problems.register(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


class _FormSessions(SecureCookieSessionInterface):
    """Flask's session holds the CSRF token of forms; programs have no forms and need no session."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if request.path.startswith(problems.PROGRAMS):
            return None
        return super().open_session(app, request)


def supervised() -> Flask:
    """The same in a process that `caseq serve` started: it ends when that one is gone, even by kill -9."""
    parent = int(os.environ["CASEQ_SERVE_PID"])

    def end_with_the_parent() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=end_with_the_parent, daemon=True, name="parent watch").start()
    return from_environment()


def from_environment() -> Flask:
    """The application for the settings in config/ and the environment; for WSGI servers."""
    logs.configure()
    app = create_app(runtime.build(load(os.environ)))
    keep_for_good()
    return app


def keep_for_good() -> None:
    """Let the garbage collector pass over what is there by now, modules and routes: it will be there to the end, and
    looking through all of it again and again took a fifth of the time of taking in pushes."""
    gc.freeze()
