"""What the browser keeps for us: the session, the login steps (sealed), the language and the text size."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from flask import Response, g, request

from caseq.errors import SealBroken
from caseq.web.current import runtime
from caseq.web.language import DEFAULT, LANGUAGES, Words, words

SESSION = "caseq"
STEPS = "caseq-steps"
LANGUAGE = "caseq-lang"
BIG = "caseq-big"
KNOWN = "caseq-known"
_MOST_KNOWN = 5
MOST_CODES = 3
_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Refusal:
    """Why the last code was not taken: a `login.Reason` value, the tries left and what was typed."""

    reason: str
    tries_left: int
    typed: str


@dataclass(frozen=True)
class Steps:
    """How far somebody came with the three steps; lives in one sealed cookie, so no URL or log holds it."""

    case_number: str = ""
    phone: str = ""
    handles: tuple[str, ...] = ()
    expires_at: datetime | None = None
    resend_at: datetime | None = None
    refusal: Refusal | None = None
    way: str = "sms"
    times_asked: int = 0

    def asked(self, handle: str, expires_at: datetime, resend_at: datetime) -> "Steps":
        """These steps after one more code was asked for; the newest codes stay usable."""
        handles = (*self.handles, handle)[-MOST_CODES:]
        times = self.times_asked + 1
        return replace(
            self, handles=handles, expires_at=expires_at, resend_at=resend_at, refusal=None, times_asked=times
        )


def cookie_name(name: str) -> str:
    """`name`, with the prefix that pins a cookie to this host where cookies are secure."""
    return f"__Host-{name}" if _secure() else name


def session_token() -> str:
    """The token of the session, or an empty text."""
    return request.cookies.get(cookie_name(SESSION), "")


def read_steps() -> Steps:
    """The steps so far; empty when there are none or the cookie was changed or sealed with a lost key."""
    sealed = request.cookies.get(cookie_name(STEPS), "")
    if not sealed:
        return Steps()
    try:
        data = json.loads(runtime().sealer.unseal("step", sealed))
    except SealBroken:
        return Steps()
    for moment in ("expires_at", "resend_at"):
        data[moment] = datetime.fromisoformat(data[moment]) if data[moment] else None
    refusal = Refusal(**data["refusal"]) if data["refusal"] else None
    return Steps(**{**data, "handles": tuple(data["handles"]), "refusal": refusal})


def keep_steps(response: Response, steps: Steps) -> Response:
    """`response` with the steps in a cookie that ends with the browser session."""
    data = json.dumps(asdict(steps), default=datetime.isoformat, ensure_ascii=False, separators=(",", ":"))
    keep(response, STEPS, runtime().sealer.seal("step", data.encode()))
    return response


def keep(response: Response, name: str, value: str, max_age: timedelta | None = None) -> None:
    """Sets a cookie for this host only; without `max_age` it ends with the browser session."""
    response.set_cookie(
        cookie_name(name), value, max_age=max_age, path="/", secure=_secure(), httponly=True, samesite="Lax"
    )


def drop(response: Response, *names: str) -> Response:
    """`response`, telling the browser to forget these cookies."""
    for name in names:
        response.delete_cookie(cookie_name(name), path="/", secure=_secure(), httponly=True, samesite="Lax")
    return response


def known_parties() -> dict[int, float]:
    """The parties that logged in with this browser, and until when (Unix time) that counts; only a hint, no login."""
    sealed = request.cookies.get(cookie_name(KNOWN), "")
    try:
        found = json.loads(runtime().sealer.unseal("known browser", sealed)) if sealed else []
    except SealBroken:
        return {}
    now = runtime().clock().timestamp()
    return {party_id: until for party_id, until in found if until > now}


def keep_known(response: Response, party_id: int) -> None:
    """Has the browser remember that this party logged in with it."""
    life = timedelta(days=runtime().settings.login.known_browser_days)
    known = {**known_parties(), party_id: (runtime().clock() + life).timestamp()}
    newest = sorted(known.items(), key=lambda item: -item[1])[:_MOST_KNOWN]
    keep(response, KNOWN, runtime().sealer.seal("known browser", json.dumps(newest).encode()), life)


def page_words() -> Words:
    """The words of this request's language: asked for, remembered, or what the browser prefers."""
    found: Words | None = g.get("words")
    if found is None:
        found = g.words = words(_language())
    return found


def is_big() -> bool:
    """Whether this request wants big text."""
    asked = request.args.get("big")
    return (asked if asked in ("0", "1") else request.cookies.get(cookie_name(BIG))) == "1"


def remember_choices(response: Response) -> Response:
    """`response`, keeping the language and the text size that the address asked for."""
    if request.args.get("lang") in LANGUAGES:
        keep(response, LANGUAGE, request.args["lang"], _YEAR)
    if request.args.get("big") in ("0", "1"):
        keep(response, BIG, request.args["big"], _YEAR)
    return response


def _language() -> str:
    for wanted in (request.args.get("lang"), request.cookies.get(cookie_name(LANGUAGE))):
        if wanted in LANGUAGES:
            return str(wanted)
    return request.accept_languages.best_match(LANGUAGES, DEFAULT)


def _secure() -> bool:
    return bool(runtime().settings.secure_cookies)
