"""What goes on paper: sheets as PDF, set by typst from templates/notices/.

typst and segno are the extra ``notices``; they are imported only where something is printed.
"""

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.util import find_spec
from typing import Any

from caseq.errors import CannotPrint
from caseq.rules.papercodes import Line
from caseq.settings import Bureau, shipped

#: The face of all text.
TEXT_FONT = "Noto Sans CJK SC"
#: The face of codes: even widths, a dotted 0, a 1 with a foot. It comes with typst.
CODE_FONT = "DejaVu Sans Mono"

NO_EXTRA = "typst or segno is not installed: pip install 'caseq[notices]'"
NO_FONT = f"the font {TEXT_FONT} or {CODE_FONT} is not installed: apt install fonts-noto-cjk fonts-dejavu-core"

_QUERY_NUMBER = re.compile("[0-9]{12}")
#: White modules round a QR code (ISO/IEC 18004).
_QUIET_ZONE = 4


@dataclass(frozen=True)
class CodeSheet:
    """All that stands on a sheet of paper codes; `language` is "zh" or "en".

    `public_address` begins with ``https://``; together with the query number (12 digits, in the upper part only) it
    makes the QR code. `sheet` tells the sheets of one person apart, such as "B".
    """

    bureau: Bureau
    public_address: str | None
    query_number: str | None = field(repr=False)
    issued_on: date
    valid_until: date
    sheet: str
    lines: Sequence[Line]
    language: str = "zh"


def state() -> str:
    """Whether sheets can be printed here: "ok", or what is missing in a few words."""
    if not _has_extra():
        return NO_EXTRA
    import typst

    return "ok" if {TEXT_FONT, CODE_FONT} <= set(typst.Fonts().families()) else NO_FONT


def code_sheet(sheet: CodeSheet) -> bytes:
    """The sheet as PDF, one page of A4; raises CannotPrint if something is missing here or the text does not fit."""
    if not _has_extra():
        raise CannotPrint(NO_EXTRA)
    if sheet.query_number is not None and not _QUERY_NUMBER.fullmatch(sheet.query_number):
        raise ValueError("a query number has twelve digits")
    return _pdf("codes.typ", _facts(sheet))


@dataclass(frozen=True)
class ProofSheet:
    """All that stands on the sheet that proves how a party was told.

    `lines` are ready words, under the names that templates/notices/proof.typ uses; `qr` is the hash, `hash` in groups.
    """

    bureau: Bureau
    case: str
    role: str
    party: str
    made: str
    by: str
    reason: str
    policy: str
    lines: Sequence[Mapping[str, object]]
    hash: str
    qr: str


def proof_sheet(sheet: ProofSheet) -> bytes:
    """The proof as PDF, A4; raises CannotPrint if something is missing here."""
    if not _has_extra():
        raise CannotPrint(NO_EXTRA)
    ready = {name: getattr(sheet, name) for name in ProofSheet.__dataclass_fields__ if name != "bureau"}
    about = {"bureau": sheet.bureau.name["zh"], "help_phone": sheet.bureau.help_phone}
    fonts = {"text_font": TEXT_FONT, "code_font": CODE_FONT}
    return _pdf("proof.typ", {**ready, **about, **fonts, "qr": _qr(sheet.qr)})


@dataclass(frozen=True)
class ReportSheet:
    """All that stands in the yearly report.

    `tables` are ready words, under the names that templates/notices/report.typ uses; a `chart` is SVG or None.
    """

    bureau: Bureau
    title: str
    stand: str
    tables: Sequence[Mapping[str, object]]


def report_sheet(sheet: ReportSheet) -> bytes:
    """The report as PDF, A4; raises CannotPrint if something is missing here."""
    if not _has_extra():
        raise CannotPrint(NO_EXTRA)
    ready = {"title": sheet.title, "stand": sheet.stand, "tables": sheet.tables}
    return _pdf("report.typ", {**ready, "bureau": sheet.bureau.name["zh"], "text_font": TEXT_FONT})


def receipt(facts: Mapping[str, Any], address: str | None) -> bytes:
    """The receipt of these words (web/receiptwords.py) as PDF, two pages of A4, or one without rights; `address` is
    what its picture opens. Raises CannotPrint if something is missing here or the text does not fit."""
    if not _has_extra():
        raise CannotPrint(NO_EXTRA)
    fonts = {"text_font": TEXT_FONT, "code_font": CODE_FONT}
    return _pdf("receipt.typ", {**facts, **fonts, "qr": _qr(address) if address else None})


def _has_extra() -> bool:
    return all(find_spec(library) is not None for library in ("typst", "segno"))


def _facts(sheet: CodeSheet) -> Mapping[str, object]:
    """What the template prints, ready but for its words."""
    bureau, number = sheet.bureau, sheet.query_number
    address = sheet.public_address and sheet.public_address.rstrip("/")
    return {
        "language": sheet.language,
        "text_font": TEXT_FONT,
        "code_font": CODE_FONT,
        "bureau": bureau.name[sheet.language],
        "help_phone": bureau.help_phone,
        "help_hours": bureau.help_hours[sheet.language],
        "fraud_phone": bureau.fraud_phone,
        "address": address and address.removeprefix("https://"),
        "query_number": number and f"{number[:4]} {number[4:8]} {number[8:]}",
        "qr": _qr(f"{address}/q/{number}") if address and number else None,
        "issued_on": sheet.issued_on.isoformat(),
        "valid_until": sheet.valid_until.isoformat(),
        "sheet": sheet.sheet,
        "lines": [{"n": line.n, "typed": line.typed, "keypad": line.keypad} for line in sheet.lines],
    }


def _qr(address: str) -> str:
    """A QR code as SVG."""
    import segno

    picture = io.BytesIO()
    segno.make_qr(address, error="m").save(picture, kind="svg", border=_QUIET_ZONE, xmldecl=False)
    return picture.getvalue().decode()


def _pdf(template: str, facts: Mapping[str, object]) -> bytes:
    """The template with these facts as an accessible PDF (PDF/UA-1); whatever typst warns of is an error.

    Without its font typst only warns, and leaves the characters out.
    """
    import typst

    source = shipped("templates") / "notices" / template
    inputs = {"facts": json.dumps(facts)}
    try:
        pdf, warnings = typst.compile_with_warnings(source, sys_inputs=inputs, format="pdf", pdf_standards="ua-1")
    except typst.TypstError as error:
        raise CannotPrint(f"{template}: {error.message}") from None
    if any("font family" in warning.message for warning in warnings):
        raise CannotPrint(NO_FONT)
    if warnings:
        raise CannotPrint(f"{template}: " + "; ".join(warning.message for warning in warnings))
    return pdf
