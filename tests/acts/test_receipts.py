"""The receipt on paper: what it says, what it must not say, who gets no codes, and what the audit keeps."""

import re
from dataclasses import replace

import pypdfium2
import pytest
import zxingcpp
from click.testing import CliRunner
from sqlalchemy import func, select

from caseq import granting, noticing, printing
from caseq.cli import main
from caseq.noticing import Failed, Order, Printed
from caseq.store import preferences
from caseq.store.tables import audit, paper_codes
from caseq.web import receiptwords
from tests import matrix
from tests.service import CASE, PHONE, UNIT, case, environment, event, milestone, party

needs_the_font = pytest.mark.skipif(printing.state() != "ok", reason=f"sheets cannot be printed: {printing.state()}")
NAME = "欧阳示例"


@pytest.fixture
def victim(service):
    service.push(event("case", case()), event("milestone", milestone()), event("party", party(name=NAME)))
    return service


def printed(service, **more):
    made = noticing.print_receipt(service.runtime, Order(CASE, "P-victim", **more), "t", "test")
    assert isinstance(made, Printed), made
    return made


def refused(service, **more):
    return noticing.print_receipt(service.runtime, Order(CASE, more.pop("party", "P-victim"), **more), "t", "test")


def audited(service):
    with service.runtime.database.autocommit() as connection:
        wanted = select(audit.c.facts).where(audit.c.act == "receipt").order_by(audit.c.id)
        return list(connection.execute(wanted).scalars())


def live_codes(service):
    with service.runtime.database.autocommit() as connection:
        wanted = select(func.count()).select_from(paper_codes).where(paper_codes.c.used_at.is_(None))
        return connection.execute(wanted).scalar_one()


def sms_of(service):
    with service.runtime.database.autocommit() as connection:
        return preferences.of(connection, service.runtime.sealer, 1).sms


class Paper:
    """A receipt after it was printed."""

    def __init__(self, service, made):
        settings = service.runtime.settings
        address = receiptwords.address_of(settings, made.receipt.query_number)
        self.pdf = printing.receipt(receiptwords.facts(made, settings), address)
        self.document = pypdfium2.PdfDocument(self.pdf)
        self.layers = [page.get_textpage() for page in self.document]
        self.front, *self.back = (solid(layer.get_text_range()) for layer in self.layers)

    @property
    def strip(self):
        index, _ = self.layers[0].search("沿这条线").get_next()
        top = self.layers[0].get_charbox(index, loose=True)[3]
        return solid(self.layers[0].get_text_bounded(top=top))

    def scanned(self):
        bitmap = self.document[0].render(scale=150 / 72, grayscale=True)
        rows = memoryview(bytes(bitmap.buffer))
        lines = [rows[n * bitmap.stride : n * bitmap.stride + bitmap.width] for n in range(bitmap.height)]
        picture = memoryview(b"".join(lines)).cast("B", shape=[bitmap.height, bitmap.width])
        return [found.text for found in zxingcpp.read_barcodes(picture)]


def solid(text):
    return re.sub(r"[\s\u200b\u3000]", "", text)


# What stands on it


@needs_the_font
def test_the_front_has_both_numbers_the_steps_the_telephone_and_what_can_be_seen(victim):
    made = printed(victim, codes=10)
    paper, number = Paper(victim, made), made.receipt.query_number
    assert len(paper.document) == 2
    for said in (CASE, number, NAME, "被害人", "立案", "不算送达", "领取人签名", UNIT["phone"], f"尾号{PHONE[-4:]}"):
        assert solid(said) in paper.front
    assert f"{number[:4]} {number[4:8]} {number[8:]}" in paper.layers[0].get_text_range()
    assert PHONE not in paper.front
    assert "您的权利和义务" in paper.back[0]
    assert solid(made.receipt.rights[0].text) in paper.back[0]


@needs_the_font
def test_the_picture_opens_the_page_with_the_number_filled_in_and_nothing_else(victim):
    made = printed(victim, codes=10)
    assert Paper(victim, made).scanned() == [f"http://127.0.0.1/q/{made.receipt.query_number}"]


@needs_the_font
def test_the_strip_has_every_code_and_says_not_whose_it_is(victim):
    made = printed(victim, codes=10)
    paper = Paper(victim, made)
    strip = paper.strip
    assert made.strip is not None
    for line in made.strip.lines:
        assert solid(line.typed) in strip
        assert solid(line.keypad) in strip
        assert paper.front.count(solid(line.typed)) == 1
    for told in (CASE, made.receipt.query_number, NAME, "被害人", UNIT["phone"], solid(made.hash[:16])):
        assert told not in strip


@needs_the_font
@pytest.mark.parametrize(("kind", "role"), matrix.ONLINE)
def test_it_fits_on_one_sheet_for_everybody(service, kind, role):
    service.push(
        event("case", case(kind), source=kind), event("party", party(role, name=NAME), source=kind), source=kind
    )
    order = Order(CASE, f"P-{role}", codes=10)
    made = noticing.print_receipt(service.runtime, order, "t", "test")
    assert isinstance(made, Printed)
    paper = Paper(service, made)
    assert len(paper.document) == (2 if made.receipt.rights else 1)
    assert solid(made.hash[:16]) in "".join((paper.front, *paper.back))
    assert (UNIT["phone"] in paper.front) is ((kind, role, "unit") in matrix.CELLS)


@needs_the_font
def test_nothing_is_smaller_than_12_5_points_and_no_code_smaller_than_17(victim):
    made = printed(victim, codes=10)
    layer = Paper(victim, made).layers[0]
    sizes = [round(pypdfium2.raw.FPDFText_GetFontSize(layer, n), 2) for n in range(layer.count_chars())]
    assert min(size for n, size in enumerate(sizes) if solid(layer.get_text_range(n, 1))) >= 12.5
    assert made.strip is not None
    start, _ = layer.search(made.strip.lines[9].typed).get_next()
    assert sizes[start] >= 17


@needs_the_font
def test_markup_in_a_name_stays_text(service):
    name = '#panic("x") *粗* $x$ "}],{"'
    service.push(event("case", case()), event("party", party(name=name)))
    assert solid(name) in Paper(service, printed(service)).front


# Codes


def test_codes_are_made_only_when_asked_for_and_work_once(victim):
    made = printed(victim)
    assert (made.strip, live_codes(victim)) == (None, 0)
    made = printed(victim, codes=3)
    assert made.strip is not None
    assert live_codes(victim) == len(made.strip.lines) == 3
    body = {"case_number": CASE, "code": made.strip.lines[1].typed}
    assert victim.client.post("/api/v1/sessions", json=body).status_code == 201
    assert victim.client.post("/api/v1/sessions", json=body).status_code == 401
    printed(victim, codes=2)
    assert live_codes(victim) == 2
    assert repr(made).find(made.strip.lines[0].typed) == -1


@needs_the_font
def test_the_copy_for_the_files_has_all_but_the_codes_and_the_same_hash(victim):
    made = printed(victim, codes=10)
    copy = printed(victim, is_copy=True)
    assert copy.hash == made.hash
    paper = Paper(victim, copy)
    assert "存根" in paper.front
    assert "沿这条线" not in paper.front
    assert NAME in paper.front
    assert live_codes(victim) == 10
    assert refused(victim, is_copy=True, codes=10) is Failed.COPY


# Whom to be careful with


def make_minor(service):
    service.push(event("case", case(juvenile=True), sequence="2"))


def list_unit(service):
    settings = service.runtime.settings
    listed = replace(settings.notices, sensitive_units=frozenset({UNIT["code"]}))
    service.runtime = replace(service.runtime, settings=replace(settings, notices=listed))


def list_case(service):
    settings = service.runtime.settings
    listed = replace(settings.notices, sensitive_cases=frozenset({CASE}))
    service.runtime = replace(service.runtime, settings=replace(settings, notices=listed))


@pytest.mark.parametrize("change", [make_minor, list_unit, list_case])
def test_who_was_not_asked_gets_no_codes_and_no_sms(victim, change):
    change(victim)
    assert refused(victim, codes=10) is Failed.ASK_FIRST
    assert live_codes(victim) == 0
    assert sms_of(victim)
    made = printed(victim)
    assert made.receipt.is_careful
    assert not made.receipt.sms
    assert not sms_of(victim)
    assert audited(victim)[-1]["sms_off"] is True
    assert printed(victim, codes=10, was_asked=True).strip is not None


def test_who_was_asked_keeps_the_sms(victim):
    make_minor(victim)
    printed(victim, codes=1, was_asked=True)
    assert sms_of(victim)


def test_who_said_how_to_be_reached_is_one_to_be_careful_with_and_keeps_the_own_wishes(victim):
    with victim.runtime.database.transaction() as connection:
        wishes = preferences.Preferences(sms=True, shared_phone=True)
        preferences.keep(connection, victim.runtime.sealer, 1, wishes, victim.clock())
    assert refused(victim, codes=10) is Failed.ASK_FIRST
    printed(victim)
    assert sms_of(victim)


@needs_the_font
def test_only_the_copy_for_the_files_says_that_somebody_is_to_be_asked_first(victim):
    list_case(victim)
    paper = Paper(victim, printed(victim))
    assert "单独问" not in paper.front
    assert "先单独问领取人" in Paper(victim, printed(victim, is_copy=True)).front
    assert len(paper.document) == 2
    assert len(Paper(victim, printed(victim, codes=10, was_asked=True)).document) == 2


# Who gets one, and what is kept


def test_nobody_gets_one_who_may_not_look_online(victim):
    assert refused(victim, party="P-nobody") is Failed.NOBODY
    victim.push(event("party", party("suspect", phone="19911112222", appeared_on=None)))
    assert refused(victim, party="P-suspect") is Failed.NOT_ONLINE
    granting.do(victim.runtime, granting.Deed.REVOKE, CASE, "P-victim", "t", "test")
    assert refused(victim) is Failed.NOT_ONLINE


def test_the_audit_has_the_hash_and_how_many_codes_and_no_name_and_no_code(victim):
    made = printed(victim, codes=2)
    (facts,) = audited(victim)
    assert (facts["hash"], facts["codes"], facts["copy"], facts["careful"]) == (made.hash, 2, False, [])
    assert NAME not in str(facts)
    assert made.strip is not None
    assert made.strip.lines[0].typed not in str(facts)
    assert noticing.digest(made.receipt) == made.hash


# The command


@needs_the_font
def test_the_command_writes_a_file_for_its_owner_only_and_says_why_not(victim, database_url, tmp_path):
    env = environment(database_url, tmp_path)
    out = tmp_path / "receipt.pdf"

    def run(*more):
        who = ["--by", "t", "--reason", "test"]
        return CliRunner().invoke(main, ["notice", "print", CASE, "P-victim", "--out", str(out), *who, *more], env=env)

    assert run("--codes", "10").exit_code == 0
    assert out.read_bytes().startswith(b"%PDF")
    assert out.stat().st_mode & 0o777 == 0o600
    again = run()
    assert again.exit_code == 1
    out.unlink()
    answer = run("--archive", "--codes", "10")
    assert answer.exit_code == 1
    assert not out.exists()
    assert run("--codes", "11").exit_code == 2
