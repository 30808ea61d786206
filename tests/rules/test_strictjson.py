"""Strict JSON: what every parser understands alike, and nothing else (the table of refusals: web/test_push_request)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseq.errors import NotJson
from caseq.rules.strictjson import DEEPEST, loads

ordinary = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text().filter(lambda t: "\x00" not in t),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text().filter(lambda t: "\x00" not in t), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(ordinary, st.booleans(), st.sampled_from([(", ", ": "), (",", ":")]))
def test_ordinary_json_is_read_as_it_was_written(value, escaped, separators):
    assert loads(json.dumps(value, ensure_ascii=escaped, separators=separators).encode()) == value


@given(st.text(alphabet='[]{}",:\\ua01d8-.e', max_size=24))
def test_what_is_read_is_what_the_standard_library_reads(text):
    try:
        value = loads(text.encode())
    except NotJson:
        return
    assert repr(value) == repr(json.loads(text))


@pytest.mark.parametrize(
    "text",
    ['{"a":1,"a":1}', '[{"a":{"b":1,"b":2}}]', '"\\u0000"', '["\\ud800"]', '{"\\u0000":1}', "[1e400]", "[NaN]"],
)
def test_what_the_quick_parser_would_take_or_mend_is_refused(text):
    with pytest.raises(NotJson):
        loads(text.encode())


@given(st.binary(max_size=60))
def test_random_bytes_are_read_or_refused(body):
    try:
        loads(body)
    except NotJson:
        return
    json.loads(body)


@given(st.text(alphabet='[]{}"\\,: 1a', max_size=40))
def test_what_the_standard_library_refuses_is_refused(text):
    try:
        json.loads(text)
    except ValueError:
        with pytest.raises(NotJson):
            loads(text.encode())


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_sixteen_levels_are_read_and_seventeen_are_not(opening):
    closing = {"[": "]", '{"a":': "}"}[opening]
    loads((opening * DEEPEST + "1" + closing * DEEPEST).encode())
    with pytest.raises(NotJson, match="nested"):
        loads((opening * (DEEPEST + 1) + "1" + closing * (DEEPEST + 1)).encode())


@pytest.mark.parametrize(
    "text", ['"' + "[" * 100 + '"', '["\\"[[[[[[[[[[[[[[[[[[[["]', '["\\\\", "[[[[[[[[[[[[[[[[[[[["]', "[[1],[2]]"]
)
def test_brackets_inside_texts_are_no_levels(text):
    assert loads(text.encode()) == json.loads(text)


@pytest.mark.parametrize("text", ['["\\\\"' + ",[" * 20 + "]" * 21, '"\\\\"' + "[" * 20])
def test_brackets_behind_a_text_that_ends_in_a_backslash_are_levels(text):
    with pytest.raises(NotJson, match="nested"):
        loads(text.encode())


def test_a_text_may_show_a_backslash_before_four_zeros():
    assert loads(b'"\\\\u0000 \\\\ud800"') == "\\u0000 \\ud800"
