"""The figures of a year: how they are summed, and which of them are published."""

from caseq.rules.annual import Figure, is_few, share


def test_a_share_is_only_all_or_none_when_it_is():
    assert [share(0, 9), share(9, 9), share(1, 9), share(0, 0)] == ["0.0%", "100.0%", "11.1%", None]
    assert [share(99_999, 100_000), share(1, 100_000)] == ["99.9%", "0.1%"]
    assert [count for count in range(7) if is_few(count)] == [1, 2, 3, 4]


def test_figures_are_summed_by_any_of_their_dimensions():
    figure = Figure(("month", "way"), {(10, "sms"): 2, (2, "sms"): 3, (2, "app"): 4})
    assert list(figure.by("month").items()) == [((2,), 7), ((10,), 2)]
    assert figure.by("month", way="sms") == {(2,): 3, (10,): 2}
    assert (figure.total(), figure.total(way="app")) == (9, 4)
