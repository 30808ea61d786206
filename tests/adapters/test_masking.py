"""Events that are printed tell of nobody."""

import json
from typing import Any

import pytest

from adapters.masking import HIDDEN, masked, shown


def _event(kind: str, **data: Any) -> dict[str, Any]:
    return {"type": f"caseq.{kind}.v1", "subject": "A6401215100002026100001", "data": data}


def test_words_that_somebody_wrote_are_hidden_and_closed_words_stay() -> None:
    event = _event(
        "milestone",
        milestone="AJ1:petition_result",
        name="petition_result",
        document_number="示公(信)复字〔2026〕12号",
        occurred_on="2026-04-01",
        subject="害某",
        hold={"reason": "害某在逃", "until": "2026-05-01"},
        details={"result": "害某反映属实", "review_by": "2026-05-01", "measure": "arrest", "ground": "疑某死亡"},
    )
    assert masked(event)["data"] == {
        "milestone": "AJ1:petition_result",
        "name": "petition_result",
        "document_number": "示公(信)复字〔2026〕12号",
        "occurred_on": "2026-04-01",
        "subject": HIDDEN,
        "hold": {"reason": HIDDEN, "until": "2026-05-01"},
        "details": {"result": HIDDEN, "review_by": "2026-05-01", "measure": "arrest", "ground": HIDDEN},
    }


def test_a_party_has_neither_name_nor_phone_and_a_unit_stays() -> None:
    event = _event("party", party="R1", name="Li Si", phone="19900000001", role="victim")
    assert masked(event)["data"] == {"party": "R1", "name": HIDDEN, "phone": HIDDEN, "role": "victim"}
    unit = {"name": "示例县公安局刑侦大队", "phone": "0951-8010001"}
    case = masked(_event("case", unit=unit, aliases=["害某被盗窃案", "示公(刑)受案字〔2026〕1号"]))
    assert case["data"] == {"unit": unit, "aliases": [HIDDEN, "示公(刑)受案字〔2026〕1号"]}


def test_keys_made_of_identity_numbers_phones_or_names_are_hidden() -> None:
    for key in ("640121198001011234", "64012119800101123X:victim", "19912345678", "victims:害某", "+8613912345678"):
        assert not [part for part in ("640121", "1991234", "1391234", "害") if part in shown(key)]
    assert shown("A6401215100002026100001") == "A6401215100002026100001"
    assert shown("R640121000000000100:family") == "R640121000000000100:family"


def test_of_a_hold_and_of_whom_a_case_went_to_only_the_days_stay() -> None:
    transfer = masked(_event("case", transferred_to={"name": "张警官", "phone": "13812345678", "on": "2026-04-01"}))
    assert transfer["data"] == {"transferred_to": {"name": HIDDEN, "phone": HIDDEN, "on": "2026-04-01"}}
    hold = masked(_event("milestone", hold={"reason": "13812345678", "until": "2026-05-01"}))
    assert hold["data"] == {"hold": {"reason": HIDDEN, "until": "2026-05-01"}}


@pytest.mark.parametrize(
    ("text", "personal"),
    [
        ("关于张伟信访事项的答复〔2026〕12号", "张伟"),
        ("张伟信访〔2026〕3号", "张伟"),
        ("李政〔2026〕3号", "李政"),
        ("示公(张伟)受案字〔2026〕1号", "张伟"),
        ("示公受案字〔2026〕张伟1号", "张伟"),
        ("640121199001011234(2026)1", "19900101"),
        ("R640121199001011234", "19900101"),
        ("R640121900101123", "900101"),
        ("XYR13812345678", "1381"),
        ("R:138-1234-5678", "1234"),
        ("138 1234 5678", "1234"),
    ],
)
def test_nobody_is_told_by_what_looks_like_a_number(text: str, personal: str) -> None:
    assert HIDDEN in shown(text)
    assert personal not in shown(text)


@pytest.mark.parametrize(
    "number",
    [
        "示公(治)受案字〔2026〕2号",
        "示公刑立字〔2026〕123号",
        "示信访〔2026〕5号",
        "示公（城）行罚决字〔2026〕66号之一",
        "示公兴(刑侦)立字[2026]0012",
        "示政复决字〔2026〕31号",
        "永公行复〔2026〕第0007号",
        "永公(办)发【2017】28号",
        "信访字〔2026〕12号",
        "示公受〔2026〕AJ1号",
        "case:永公赔受字〔2026〕1号:applicant",
        "XF640121202603001",
    ],
)
def test_numbers_of_documents_and_cases_stay_readable(number: str) -> None:
    assert shown(number) == number


def test_what_was_masked_is_still_one_event() -> None:
    event = {**_event("withdrawal", record="party", key="害某", reason="withdrawn at the source"), "id": "1"}
    found = json.dumps(masked(event), ensure_ascii=False)
    assert "害" not in found
    assert '"id": "1"' in found
