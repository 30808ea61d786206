"""The front door answers everybody alike, and in the same time: 300 interleaved samples of each class.

Of two equal classes about one round in thirty is outside the bounds by chance, so a comparison has three rounds.
"""

import random
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from statistics import median
from typing import Any

import pyotp
import pytest

from caseq import paper
from caseq.enrolling import Begun, begin, confirm
from caseq.rules import papercodes
from caseq.rules.codes import DIGITS
from tests.service import case, event, milestone, party
from tests.web.conftest import UNLIMITED

SAMPLES, ROUNDS = 300, 3
MOST_MILLISECONDS, AUC = 5.0, (0.45, 0.55)
HOUSES = 60

Ask = Callable[[], Any]


@pytest.fixture(scope="module")
def dice():
    return random.Random(20261128)


@pytest.fixture
def service(service_with):
    """Sixty cases with a victim each, sixty that are withheld."""
    service = service_with(limits=UNLIMITED)
    events = []
    for n in range(HOUSES):
        events.append(event("case", case(), case=number(n)))
        events.append(event("party", party(key=f"P{n}", phone=phone(n)), case=number(n)))
        events.append(event("milestone", milestone(key=f"M{n}"), case=number(n)))
        events.append(event("case", case(state="withheld"), case=number(1000 + n)))
        events.append(event("party", party(key=f"W{n}", phone=phone(n)), case=number(1000 + n)))
    service.push(*events)
    service.work()
    return service


def number(n: int) -> str:
    return f"A640121510000202611{n:04}"


def phone(n: int) -> str:
    return f"1991111{n:04}"


def post(service, path: str, numbers: Iterator[Any], body: Callable[[Any], dict[str, str]]) -> Ask:
    client = service.client
    return lambda: client.post(path, json=body(next(numbers)))


def samples(asks: dict[str, Ask], dice: random.Random) -> dict[str, list[float]]:
    """Milliseconds of so many requests of each class, in an order that nobody could foresee."""
    took: dict[str, list[float]] = {name: [] for name in asks}
    order = [name for name in asks for _ in range(SAMPLES)]
    dice.shuffle(order)
    for name in order:
        began = time.perf_counter()
        asks[name]()
        took[name].append((time.perf_counter() - began) * 1000)
    return took


def auc(ones: list[float], others: list[float]) -> float:
    """How often one of the first is slower than one of the others: one half if nobody can tell them apart."""
    ranked = sorted([(value, 1) for value in ones] + [(value, 0) for value in others])
    ranks = sum(rank for rank, (_, is_one) in enumerate(ranked, start=1) if is_one)
    return (ranks - len(ones) * (len(ones) + 1) / 2) / (len(ones) * len(others))


def told_apart(took: dict[str, list[float]]) -> list[str]:
    """The pairs of classes that a stopwatch tells apart."""
    names, found = list(took), []
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            difference = abs(median(took[one]) - median(took[other]))
            area = auc(took[one], took[other])
            if difference >= MOST_MILLISECONDS or not AUC[0] <= area <= AUC[1]:
                found.append(f"{one} / {other}: {difference:.2f} ms, AUC {area:.3f}")
    return found


def assert_alike(asks: Callable[[], dict[str, Ask]], dice: random.Random) -> None:
    apart: list[set[str]] = []
    for _ in range(ROUNDS):
        found = told_apart(samples(asks(), dice))
        apart.append({line.split(":")[0] for line in found})
        if not set.intersection(*apart):
            return
    raise AssertionError(found)


@pytest.mark.slow
def test_asking_for_a_code_takes_as_long_whoever_is_asked_for(service, dice):
    def asks() -> dict[str, Ask]:
        def ask(*pairs: tuple[str, str]) -> Ask:
            return post(service, "/api/v1/codes", cycle(pairs), lambda pair: {"case_number": pair[0], "phone": pair[1]})

        everybody = range(HOUSES)
        return {
            "known": ask(*((number(n), phone(n)) for n in everybody)),
            "no such case": ask(*((number(5000 + n), phone(n)) for n in everybody)),
            "no such phone": ask(*((number(n), phone(5000 + n)) for n in everybody)),
            "withheld": ask(*((number(1000 + n), phone(n)) for n in everybody)),
        }

    assert_alike(asks, dice)


@pytest.mark.slow
def test_a_wrong_code_takes_as_long_where_nothing_was_sent(service, dice):
    def challenges(numbers: Iterator[str]) -> list[str]:
        handles = []
        for n in range(HOUSES):
            body = {"case_number": next(numbers), "phone": phone(n)}
            answer = service.client.post("/api/v1/codes", json=body)
            handles += [answer.get_json()["challenge"]] * 5
        service.work()
        return handles

    def asks() -> dict[str, Ask]:
        service.clock.advance(minutes=30)
        real = challenges(number(n) for n in range(HOUSES))
        decoys = challenges(number(5000 + n) for n in range(HOUSES))
        service.clock.advance(minutes=1)
        return {
            "sent": post(service, "/api/v1/sessions", iter(real), lambda one: {"challenge": one, "code": "00000000"}),
            "decoy": post(
                service, "/api/v1/sessions", iter(decoys), lambda one: {"challenge": one, "code": "00000000"}
            ),
        }

    assert_alike(asks, dice)


@pytest.mark.slow
@pytest.mark.parametrize("code", ["00000000", "7K3D-M9QX-2WPA-4", "123456789012"], ids=["app", "paper", "keypad"])
def test_a_wrong_own_code_takes_as_long_where_there_is_nobody(service, dice, code):
    code = code if len(code) != 16 else with_check(code)
    for n in range(HOUSES):
        with_app(service, n)

    def asks() -> dict[str, Ask]:
        service.clock.advance(hours=26)

        def enter(*numbers: str) -> Ask:
            body = {"code": code}
            return post(service, "/api/v1/sessions", cycle(numbers), lambda one: {**body, "case_number": one})

        return {
            "known": enter(*(number(n) for n in range(HOUSES))),
            "no such case": enter(*(number(5000 + n) for n in range(HOUSES))),
            "withheld": enter(*(number(1000 + n) for n in range(HOUSES))),
        }

    assert_alike(asks, dice)


def with_check(code: str) -> str:
    return next(code + last for last in papercodes.ALPHABET if papercodes.parse(code + last))


def with_app(service, n: int) -> None:
    """Enrols an app for the victim of a case, and prints a sheet."""
    runtime = service.runtime
    token = service.log_in(phone(n), number(n))
    begun = begin(runtime, token)
    assert isinstance(begun, Begun)
    code = pyotp.TOTP(begun.secret, digits=DIGITS).at(service.clock.now)
    assert confirm(runtime, token, code) is None
    assert isinstance(paper.print_sheet(runtime, number(n), f"P{n}", "甲", "没有手机"), paper.Issued)
