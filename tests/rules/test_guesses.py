"""The arithmetic of guessing, from the shipped settings."""

from dataclasses import replace

import pytest

from caseq.rules.authenticators import STEP_SECONDS, base32, step_at, which_step
from caseq.rules.guesses import APP_STEP, KEYPAD_LINE, MOST_CHANCE_A_DAY, SMS_CODE, UNITS
from caseq.settings import load
from tests.service import environment

#: RFC 6238, appendix B: the secret of the SHA-1 vectors, and what it gives.
RFC_SECRET = b"12345678901234567890"


@pytest.fixture
def settings(tmp_path):
    return load(environment(f"sqlite:///{tmp_path / 'unused.db'}", tmp_path))


def test_a_stranger_s_chance_on_the_worst_day_that_the_shipped_settings_allow_is_below_one_in_a_million(settings):
    assert 0 < settings.guesses.worst_day < MOST_CHANCE_A_DAY


def test_the_sum_is_that_of_all_that_can_be_guessed_at(settings):
    """By hand, from the settings alone: known browsers and strangers together, whatever way they choose."""
    allowed = settings.guesses.known + settings.guesses.strangers
    by_sms = allowed // SMS_CODE * 1e-8
    by_app = allowed // APP_STEP * 2e-8
    by_keypad = allowed // KEYPAD_LINE * 1e-12
    assert max(by_sms, by_app, by_keypad) <= settings.guesses.worst_day < MOST_CHANCE_A_DAY


@pytest.mark.parametrize("share", ["known", "strangers"])
def test_a_budget_that_is_larger_by_a_tenth_is_too_large(settings, share):
    more = replace(settings.guesses, **{share: getattr(settings.guesses, share) + UNITS // 10**7})
    assert more.worst_day >= MOST_CHANCE_A_DAY


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924")],
)
def test_codes_of_apps_are_those_of_the_rfc(seconds, code):
    assert which_step(RFC_SECRET, code, step_at(seconds)) == seconds // STEP_SECONDS


def test_a_code_of_an_app_is_taken_in_its_step_and_the_next_and_no_longer():
    step = step_at(1111111109)
    assert which_step(RFC_SECRET, "0708 1804", step + 1) == step
    assert which_step(RFC_SECRET, "07081804", step + 2) is None
    assert which_step(RFC_SECRET, "07081804", step - 1) is None


def test_the_secret_is_typed_in_base32():
    assert base32(RFC_SECRET) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
