"""One-time codes: eight digits, another one for every challenge and place, compared in one go."""

import pytest

from caseq.rules import codes

SECRET = codes.secret(b"k" * 32, 1)


def test_a_code_has_eight_digits_also_when_it_begins_with_zeros():
    made = [codes.code(codes.secret(b"k" * 32, n), 0) for n in range(300)]
    assert {len(code) for code in made} == {8}
    assert all(code.isdigit() and code.isascii() for code in made)
    assert any(code.startswith("0") for code in made)


def test_codes_follow_rfc_4226():
    """Appendix D of the standard, with eight digits instead of six."""
    secret = b"12345678901234567890"
    assert [codes.code(secret, n) for n in range(3)] == ["84755224", "94287082", "37359152"]


def test_every_challenge_key_and_place_has_its_own_codes():
    made = {
        codes.code(codes.secret(key, n), place)
        for key in (b"a" * 32, b"b" * 32)
        for n in range(50)
        for place in range(3)
    }
    assert len(made) == 300


def test_a_code_is_found_at_its_place_and_nowhere_else():
    made = [codes.code(SECRET, n) for n in range(codes.MOST_GRANTS + 2)]
    assert [codes.which(SECRET, code) for code in made] == [*range(codes.MOST_GRANTS), None, None]


def test_every_place_is_compared_whatever_the_answer_is(monkeypatch):
    compared = []

    def code(_secret, n):
        compared.append(n)
        return f"{n:08}"

    monkeypatch.setattr(codes, "code", code)
    for typed in ("00000000", "00000002", "99999999", ""):
        compared.clear()
        codes.which(SECRET, typed)
        assert compared == list(range(codes.MOST_GRANTS))


@pytest.mark.parametrize("form", ["{0}{1}", "{0} {1}", " {0}-{1}\n", "{0}\u3000{1}", "{0}－{1}"])
def test_a_code_may_be_typed_in_groups(form):
    code = codes.code(SECRET, 0)
    assert codes.which(SECRET, form.format(code[:4], code[4:])) == 0


def test_a_code_may_be_typed_in_full_width_digits():
    wide = codes.code(SECRET, 0).translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)})
    assert codes.which(SECRET, wide) == 0


@pytest.mark.parametrize("typed", ["", "0", "1234567", "ä" * 8, "1" * 10_000, "😀"])
def test_what_is_no_code_is_none(typed):
    assert codes.which(SECRET, typed) is None


def test_less_and_more_than_a_code_is_none():
    code = codes.code(SECRET, 0)
    for typed in (code[:7], code + "0", "0" + code):
        assert codes.which(SECRET, typed) is None
