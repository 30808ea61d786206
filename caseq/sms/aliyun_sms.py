"""Aliyun's SMS through plain signed HTTP: SendSms and QuerySendDetails of its API of 2017-05-25.

Every message carries our own key as its OutId, and QuerySendDetails returns it: what was accepted is known exactly, not
guessed from number and text. It does not return the BizId of SendSms, so the key is the id of an accepted message. How
long a message is worth delivering cannot be told to Aliyun.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import requests

from caseq.errors import AccountProblem, NotJson, OutcomeUnknown, SmsError, TryLater
from caseq.rules import strictjson
from caseq.rules.case import BUREAU_TIME
from caseq.rules.delivery import Receipt, Status
from caseq.sms import aliyun_codes, aliyun_signing, network
from caseq.sms.aliyun_signing import AccessKey
from caseq.sms.gateway import Accepted, Sms

API_BASE = "https://dysmsapi.aliyuncs.com"
API_VERSION = "2017-05-25"
TIMEOUT_SECONDS = 10
#: How far apart our clock and Aliyun's may be when a message is looked for by its day.
CLOCK_SLACK = timedelta(seconds=5)
#: Aliyun keeps its records for 30 days, today among them, and gives at most 50 at a time.
DAYS_KEPT = 30
PAGE_SIZE = 50
MOST_PAGES = 20
#: SendStatus: 1 waits for the carrier's receipt, 2 failed, 3 delivered.
STATUSES = {"1": Status.SENT, "2": Status.FAILED, "3": Status.DELIVERED}

#: What may be a code of Aliyun's or of a carrier; anything else must not get into a log.
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class AliyunGateway:
    """One account with one signature; `templates` has the approved code of each text, by template and language."""

    name = "aliyun"

    def __init__(
        self,
        access_key_id: str,
        access_key_secret: str,
        *,
        sign_name: str,
        templates: Mapping[tuple[str, str], str],
        api_base: str | None = None,
    ) -> None:
        self._key = AccessKey(access_key_id, access_key_secret)
        self._sign_name = sign_name
        self._templates = templates
        self._base = (api_base or API_BASE).rstrip("/")

    def send(self, sms: Sms) -> Accepted:
        template = self._templates.get((sms.template, sms.language))
        if template is None:
            # Our configuration is at fault and not the message, which must not be lost for it.
            raise AccountProblem("no template")
        parameters = {
            "PhoneNumbers": _number(sms.to),
            "SignName": self._sign_name,
            "TemplateCode": template,
            "OutId": sms.key,
        }
        if sms.values:
            parameters["TemplateParam"] = json.dumps(dict(sms.values), ensure_ascii=False)
        answer = self._ask("SendSms", parameters)
        if isinstance(answer, SmsError):
            raise answer
        return Accepted(self.name, sms.key)

    def find(self, sms: Sms, since: datetime, known: Collection[str]) -> Accepted | None:
        if sms.key in known or not self._rows(sms.to, sms.key, since):
            return None
        return Accepted(self.name, sms.key)

    def receipt(self, sms: Sms, accepted: Accepted, since: datetime) -> Receipt | None:
        receipts = [_receipt(accepted.id, row) for row in self._rows(sms.to, accepted.id, since)]
        return max(receipts, key=lambda receipt: receipt.status.rank, default=None)

    def _rows(self, to: str, out_id: str, since: datetime) -> list[dict[str, Any]]:
        """What Aliyun has of one OutId on the first day from `since` to today that has any of it."""
        for day in _days(since, datetime.now(UTC)):
            rows = [row for row in self._day(to, day) if row.get("OutId") == out_id]
            if rows:
                return rows
        return []

    def _day(self, to: str, day: date) -> Iterator[dict[str, Any]]:
        """Everything that went to a number on a day of Beijing's; raises OutcomeUnknown."""
        parameters = {"PhoneNumber": _number(to), "SendDate": day.strftime("%Y%m%d"), "PageSize": str(PAGE_SIZE)}
        for page in range(1, MOST_PAGES + 1):
            answer = self._ask("QuerySendDetails", {**parameters, "CurrentPage": str(page)})
            if isinstance(answer, SmsError):
                raise OutcomeUnknown(answer.code, answer.retry_after)
            rows, total = _page(answer)
            if page == 1 and total and not rows:
                raise OutcomeUnknown("an empty page")
            yield from rows
            if len(rows) < PAGE_SIZE or page * PAGE_SIZE >= total:
                return
        raise OutcomeUnknown("too many pages")

    def _ask(self, action: str, parameters: Mapping[str, str]) -> dict[str, Any] | SmsError:
        """The answer to a request, or what became of the request; the error has no address in its history."""
        query = aliyun_signing.query_string(parameters)
        about = {"host": urlsplit(self._base).netloc, "x-acs-action": action, "x-acs-version": API_VERSION}
        headers = aliyun_signing.headers(self._key, query, about, datetime.now(UTC), uuid4().hex)
        try:
            # A connection for every request: a kept one that the other side has dropped looks like an unknown outcome.
            with requests.Session() as session:
                session.trust_env = False  # No proxy, no .netrc: nobody but Aliyun gets the number and the code.
                response = session.post(
                    f"{self._base}/?{query}", headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False
                )
        except requests.RequestException as error:
            return network.meaning(error)
        return _answer(response)


def _number(to: str) -> str:
    """The number as Aliyun writes it: eleven digits in the mainland, elsewhere with the country code, never a plus."""
    return to.removeprefix("+86").removeprefix("+")


def _days(since: datetime, now: datetime) -> Iterator[date]:
    """The days of Beijing's from `since` to `now`, as far as they are kept."""
    last = (now + CLOCK_SLACK).astimezone(BUREAU_TIME).date()
    day = max((since - CLOCK_SLACK).astimezone(BUREAU_TIME).date(), last - timedelta(days=DAYS_KEPT - 1))
    while day <= last:
        yield day
        day += timedelta(days=1)


def _answer(response: requests.Response) -> dict[str, Any] | SmsError:
    """The object that a good answer is, or what a bad one means; business refusals come with HTTP 200 too."""
    status, retry_after = response.status_code, network.retry_after(response.headers.get("Retry-After"))
    body = _object(response.content)
    code = body.get("Code")
    if status == 200 and code == "OK":
        return body
    if not isinstance(code, str) or not _CODE.fullmatch(code) or code == "OK":
        kind = TryLater if status == 429 else OutcomeUnknown
        return kind(f"HTTP {status}", retry_after)
    if status == 429 or aliyun_codes.is_throttled(code):
        return TryLater(code, retry_after)
    if status >= 500:
        return OutcomeUnknown(code, retry_after)
    return aliyun_codes.refusal(code, retry_after)


def _object(content: bytes) -> dict[str, Any]:
    """The JSON object, or an empty one if it is none."""
    try:
        value = strictjson.loads(content)
    except NotJson:
        return {}
    return value if isinstance(value, dict) else {}


def _page(answer: Mapping[str, Any]) -> tuple[list[dict[str, Any]], int]:
    """The rows of a page, and how many there are on all pages (or more: a long message may count as several); raises
    OutcomeUnknown for what is no such page, because what is missing on it would be sent again."""
    details, total = answer.get("SmsSendDetailDTOs"), str(answer.get("TotalCount"))
    rows = details.get("SmsSendDetailDTO", []) if isinstance(details, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise OutcomeUnknown("no page")
    if not (total.isascii() and total.isdigit() and len(total) < 10):
        raise OutcomeUnknown("no total")
    return rows, int(total)


def _receipt(provider_id: str, row: Mapping[str, Any]) -> Receipt:
    status = STATUSES.get(str(row.get("SendStatus")), Status.ACCEPTED)
    if status is not Status.FAILED:
        return Receipt(provider_id, status)
    code = str(row.get("ErrCode"))
    return Receipt(provider_id, status, code if _CODE.fullmatch(code) else "no code", aliyun_codes.failure(code))
