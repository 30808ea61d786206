"""The way back: an address on the list and nothing that a browser could take for another one."""

import pytest

from caseq.rules import returnurl

LISTED = ("https://query.example.org/progress/", "https://portal.example.org:8443", "https://portal.example.org/app")

GOOD = (
    "https://query.example.org/progress/",
    "https://query.example.org/progress/list?page=2&sort=day",
    "https://query.example.org/progress/#/detail/7",
    "https://portal.example.org:8443",
    "https://portal.example.org:8443/anything/below",
    "https://portal.example.org/app",
    "https://portal.example.org/app/x",
    "https://portal.example.org/app?x=1",
    "https://query.example.org/progress/..x",
)

BAD = (
    "",
    "https://query.example.org/",
    "https://query.example.org/progress",
    "https://query.example.org/progressive/",
    "https://query.example.org:444/progress/",
    "https://query.example.org.evil.example.org/progress/",
    "https://evil.example.org/https://query.example.org/progress/",
    "https://evil.example.org/?https://query.example.org/progress/",
    "https://evil.example.org#https://query.example.org/progress/",
    "https://query.example.org@evil.example.org/progress/",
    "https://query.example.org:x@evil.example.org/progress/",
    "https://evil.example.org\\@query.example.org/progress/",
    "https://query.example.org\\progress/",
    "https://query.example.org/progress/\\..\\..\\evil",
    "https://query.example.org/progress/../evil",
    "https://query.example.org/progress/..",
    "https://query.example.org/progress/./x",
    "https://query.example.org/progress/%2e%2e/evil",
    "https://query.example.org/progress/%2E./evil",
    "https://query.example.org/progress/..%2fevil",
    "https://query.example.org/progress/..%5cevil",
    "https://query.example.org/progress/%252e%252e/evil",
    "https://query.example.org/progress//evil.example.org",
    "https://query.example.org//progress/",
    "https://query.example.org/progress/\t",
    "https://query.example.org/progress/\n",
    "https://query.example.org/pro\ngress/",
    " https://query.example.org/progress/",
    "https://query.example.org/progress/ x",
    "https://query.example.org/progress/\x00",
    "https://query.example.org/progress/进展",
    'https://query.example.org/progress/"onclick="',
    "https://query.example.org/progress/" + "x" * 1000,
    "https://QUERY.example.org/progress/",
    "HTTPS://query.example.org/progress/",
    "http://query.example.org/progress/",
    "//query.example.org/progress/",
    "/progress/",
    "javascript:alert(1)//https://query.example.org/progress/",
    "data:text/html,https://query.example.org/progress/",
    "https:query.example.org/progress/",
    "https:///query.example.org/progress/",
    "https://portal.example.org/application",
    "https://portal.example.org/",
)


@pytest.mark.parametrize("url", GOOD)
def test_an_address_below_a_listed_one_is_a_way_back(url):
    assert returnurl.is_listed(url, LISTED)


@pytest.mark.parametrize("url", BAD)
def test_no_other_address_is(url):
    assert not returnurl.is_listed(url, LISTED)


def test_with_an_empty_list_there_is_no_way_back():
    assert not returnurl.is_listed("https://query.example.org/", ())


@pytest.mark.parametrize("url", LISTED)
def test_an_address_may_be_listed(url):
    assert returnurl.fault(url) is None


@pytest.mark.parametrize(
    "url",
    ["http://query.example.org/", "https://Query.example.org/", "https://a@b.example.org/", "https://*.example.org/"],
)
def test_an_address_that_is_none_may_not_be_listed(url):
    assert "must be an address" in str(returnurl.fault(url))


def test_a_listed_address_has_no_query():
    assert "leave out" in str(returnurl.fault("https://query.example.org/?x=1"))
