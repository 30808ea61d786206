"""From the rows of a case system of 1,000 cases to what every party of 200 of them sees."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.service import digits_of
from tests.walks import oracle
from tests.walks.conftest import Whole

CASES = 200


@pytest.mark.slow
def test_every_party_of_200_cases_sees_what_the_matrix_grants_and_nobody_else_gets_in(whole: Whole) -> None:
    whole.adapt_once()
    cases = oracle.read(whole.cases.path)
    people = [
        (number, party)
        for number in sorted(cases)[:CASES]
        for party in cases[number].parties.values()
        if party.phone is not None
    ]
    assert whole.sms() == []

    with ThreadPoolExecutor(4) as pool:
        challenges = list(pool.map(lambda person: ask(whole, person[0], person[1].phone), people))
        codes = wait_for_codes(whole, sum(party.enters for _, party in people))
        views = list(
            pool.map(
                lambda pair: look(whole, pair[0], codes.get(f"+86{pair[1][1].phone}", "00000000")),
                zip(challenges, people, strict=True),
            )
        )
    for (number, party), view in zip(people, views, strict=True):
        assert stripped(view) == party.view, (number, party.role)
    assert sum(view is not None for view in views) > 2 * CASES


def ask(whole: Whole, case_number: str, phone: str | None) -> str:
    answer = requests.post(f"{whole.url}/api/v1/codes", json={"case_number": case_number, "phone": phone}, timeout=30)
    assert answer.status_code == 202
    return str(answer.json()["challenge"])


def wait_for_codes(whole: Whole, count: int) -> dict[str, str]:
    """The codes by number, once all have come and a moment has passed in which no other came."""
    until = time.monotonic() + 60
    while len(whole.gateway.messages()) < count and time.monotonic() < until:
        time.sleep(0.2)
    time.sleep(1)
    messages = whole.gateway.messages()
    assert len(messages) == count
    return {line["to"]: digits_of(line["text"]) for line in messages}


def look(whole: Whole, challenge: str, code: str) -> dict[str, Any] | None:
    opened = requests.post(f"{whole.url}/api/v1/sessions", json={"challenge": challenge, "code": code}, timeout=30)
    if opened.status_code == 401:
        return None
    headers = {"Authorization": f"Bearer {opened.json()['token']}"}
    answer = requests.get(f"{whole.url}/api/v1/case", headers=headers, timeout=30)
    assert answer.status_code == 200
    return dict(answer.json())


def stripped(view: dict[str, Any] | None) -> dict[str, Any] | None:
    """The view without what the case system does not decide."""
    if view is None:
        return None
    milestones = [{name: value for name, value in item.items() if name != "released_at"} for item in view["milestones"]]
    kept = {name: view[name] for name in ("case_number", "kind", "role", "unit")}
    return {**kept, "milestones": sorted(milestones, key=oracle.as_text)}
