"""Coarse limits per network address; what a code may be tried is counted in the database, not here."""

from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from typing import cast

from flask import Flask, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter

from caseq.login import Visitor
from caseq.rules.channels import Channel
from caseq.settings import Settings

IPV6_PREFIX = 64


def network() -> str:
    """The network a request came from: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        address = ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"
    return str(ip_network((address, IPV6_PREFIX), strict=False)) if address.version == 6 else str(address)


def visitor(known: Iterable[int] = (), channel: Channel = Channel.WEB) -> Visitor:
    """Who makes this request; `known` are the parties that logged in with this browser before."""
    return Visitor(network(), frozenset(known), channel)


def _network_and_source() -> str:
    return f"{network()} {(request.view_args or {}).get('source', '')}"


def register(app: Flask, settings: Settings) -> None:
    """Attach the limits of config/caseq.toml to the routes that can be abused.

    With CASEQ_REDIS_URL all processes share the counts; while Redis is away each process counts for itself.
    """
    limiter = Limiter(
        network,
        app=app,
        storage_uri=_storage(settings.redis_url),
        strategy="fixed-window",
        in_memory_fallback_enabled=settings.redis_url is not None,
    )
    # The limited routes check for themselves; asking at every other request costs as much as answering it.
    app.before_request_funcs[None].remove(limiter._check_request_limit)
    ask = limiter.shared_limit(settings.limits.ask_code, scope="ask_code")
    enter = limiter.shared_limit(settings.limits.enter_code, scope="enter_code")
    prefill = limiter.shared_limit(settings.limits.ask_code, scope="prefill")
    compare = limiter.shared_limit(settings.limits.ask_code, scope="sms")
    link = limiter.shared_limit(settings.limits.open_link, scope="open_link")
    speak = limiter.shared_limit(settings.limits.speak, scope="speak")
    push = limiter.limit(settings.limits.push, key_func=_network_and_source)
    limited = {
        "pages.take_phone": ask,
        "pages.resend": ask,
        "api.ask_code": ask,
        "pages.take_code": enter,
        "entrance.take_sign_in": enter,
        "entrance.take_enrol": enter,
        "api.enter_code": enter,
        "account.confirm_authenticator": enter,
        "api.enrol": enter,
        "api.change_preferences": enter,
        "voices.rate": speak,
        "voices.complain": speak,
        "voices.go_on": speak,
        "apivoices.rate": speak,
        "apivoices.complain": speak,
        "apivoices.go_on": speak,
        "prefill.prefill": prefill,
        "sms.compare": compare,
        "region.arrive": link,
        "push.push": push,
        "push.records": push,
    }
    for endpoint, limit in limited.items():
        app.view_functions[endpoint] = cast(Callable[..., ResponseReturnValue], limit(app.view_functions[endpoint]))


def _storage(redis_url: str | None) -> str:
    """The store of the counts; Redis and Valkey speak the same protocol and one client serves both."""
    return redis_url.replace("redis", "valkey", 1) if redis_url else "memory://"
