"""Whatever bytes a source signs: an answer of the contract, never a crash, and every refusal names its field."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caseq.web import schemas
from tests.service import case, event, milestone, party, signed

pytestmark = pytest.mark.usefixtures("logged")

#: The service is the same for all examples: what one of them stores must not matter to the next.
FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
BATCH = "application/cloudevents-batch+json"
SINGLE = "application/cloudevents+json"

texts = st.text(max_size=20) | st.sampled_from(
    ["", "2026-11-23", "\u200b", "A6401215100002026110012", "\x7f", "a" * 300]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)


def valid_events():
    return [
        event("case", case(aliases=["示公立字1号"], transferred_to={"name": "x", "on": "2026-11-01"}, trade=None)),
        event("party", party(role="suspect", valid_until="2027-01-01", juvenile=False)),
        event("milestone", milestone("penalty_decision", details={"penalties": [{"kind": "fine", "amount": 5}]})),
        event("milestone", milestone("hearing", subject="S1", details={"phase": "held"}, hold={"reason": "x"})),
        event("withdrawal", {"record": "party", "key": "P-suspect", "reason": "x"}, sequence="2"),
    ]


def places(value, above=()):
    """The path to every place in a JSON value."""
    yield above
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*above, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from places(item, (*above, number))


@st.composite
def mutated(draw):
    """A valid event with up to three places replaced, removed or added to."""
    raw = copy.deepcopy(draw(st.sampled_from(valid_events())))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from([place for place in places(raw) if place]))
        holder = raw
        for step in path:
            holder = holder[step]
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                holder[last] = draw(values)
            case "remove":
                del holder[last]
            case "add" if isinstance(holder, dict):
                holder[draw(texts)] = draw(values)
    return raw


def post(service, body, mimetype=BATCH):
    headers = signed("criminal", body, service.clock.now.timestamp())
    return service.client.post("/push/v1/criminal", data=body, headers={**headers, "Content-Type": mimetype})


def assert_of_the_contract(answer, sent=None):
    assert answer.status_code in (200, 400, 413, 415)
    if answer.status_code != 200:
        assert answer.mimetype == "application/problem+json"
        return
    results = answer.get_json()["results"]
    assert sent is None or len(results) == sent
    for result in results:
        assert result["outcome"] in ("accepted", "duplicate", "stale", "parked", "refused")
        assert bool(result.get("errors")) is (result["outcome"] == "refused")
        assert all(result.get("errors", {}).values())


@FUZZ
@given(body=st.binary(max_size=200), mimetype=st.sampled_from([BATCH, SINGLE, "application/json", "x"]))
def test_random_bytes_never_break_it(unlimited, body, mimetype):
    assert_of_the_contract(post(unlimited, body, mimetype))


@FUZZ
@given(
    body=st.text(alphabet='[]{}",:\\u0d8aetrfnsl-+.19 \ud83d', max_size=60).map(
        lambda t: t.encode("utf-8", "surrogatepass")
    )
)
def test_what_almost_looks_like_json_never_breaks_it(unlimited, body):
    assert_of_the_contract(post(unlimited, body))


@FUZZ
@given(value=values, mimetype=st.sampled_from([BATCH, SINGLE]), escaped=st.booleans())
def test_random_json_never_breaks_it(unlimited, value, mimetype, escaped):
    body = json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    assert_of_the_contract(post(unlimited, body, mimetype))


@FUZZ
@given(batch=st.lists(mutated(), min_size=1, max_size=6), escaped=st.booleans())
def test_mutated_events_never_break_it(unlimited, batch, escaped):
    body = json.dumps(batch, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    assert_of_the_contract(post(unlimited, body), sent=len(batch))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(raw=mutated())
def test_an_event_is_taken_exactly_if_its_schemas_take_it(raw):
    """Whatever is done to check faster, the schemas have the last word."""
    if not isinstance(raw, dict):
        return
    by_schema = schemas.flat(schemas.Event().validate(raw))
    if not by_schema and raw["source"] == "criminal":
        by_schema = schemas.flat(schemas.DATA[raw["type"]].validate(raw["data"]))
        assert set(schemas.errors_of(raw, "criminal")) == {f"data.{field}" for field in by_schema}
    else:
        assert set(schemas.errors_of(raw, "criminal")) >= set(by_schema)
        assert schemas.errors_of(raw, "criminal")


def test_the_events_that_are_mutated_are_right_before():
    assert [schemas.errors_of(raw, "criminal") for raw in valid_events()] == [{}] * 5


@pytest.mark.parametrize("path", ["/push/v1/criminal", "/api/v1/codes", "/api/v1/sessions"])
@FUZZ
@given(body=st.binary(max_size=100), mimetype=st.sampled_from([BATCH, "application/json", ""]))
def test_strangers_never_break_it(unlimited, path, body, mimetype):
    answer = unlimited.client.post(path, data=body, headers={"Content-Type": mimetype})
    assert answer.status_code in (400, 401, 415)
    assert answer.mimetype == "application/problem+json"
