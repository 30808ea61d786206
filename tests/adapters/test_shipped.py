"""The shipped mappings of registers on samples as messy as real ones; what must come of them was read by hand."""

import csv
import io
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import openpyxl
import pytest
from lxml import etree

from tests.adapters.registers import MAPPINGS, REGISTERS, Register, sample, told
from tests.service import KEYS, ROOT

every_register = pytest.mark.parametrize("name", REGISTERS)

#: What only stands in columns that no mapping names, or in rows that never leave.
NEVER_READ = {
    "petitions": ("马某某", "孙丽华", "19912340106", "永公信复字〔2026〕6号"),
    "compensation": ("白某某", "12,600", "宋亚军", "19912340207", "示政复决字〔2026〕31号"),
    "premises": ("兰某某", "薛 涛", "19912340304", "星光歌厅", "永公(治)行罚决字〔2026〕20号"),
}
#: A case of each register, and what goes when its row goes.
GOING = {
    "petitions": ("XF640121202603001", ["party", "milestone", "case"]),
    "compensation": ("永公赔受字〔2026〕2号", ["party", "milestone", "case"]),
    "premises": ("LG640121001", ["party", "milestone", "milestone", "milestone", "case"]),
}


@pytest.fixture
def register(name, tmp_path):
    found = Register(name, tmp_path)
    found.drop(sample(name).read_bytes())
    return found


def without(name, case):
    """The sample without the row of this case, as the next export of the register would be."""
    if name == "petitions":
        book = openpyxl.load_workbook(sample(name))
        sheet = book.worksheets[0]
        sheet.delete_rows(next(row for row in range(1, sheet.max_row) if sheet.cell(row, 2).value == case))
        file = io.BytesIO()
        book.save(file)
        return file.getvalue()
    if name == "compensation":
        lines = sample(name).read_text(encoding="gb18030").splitlines()
        rows = [row for row in csv.reader(lines) if row[0] != case]
        kept = io.StringIO(newline="")
        csv.writer(kept).writerows(rows)
        return kept.getvalue().encode("gb18030")
    return without_elements(f"场所[@备案编号='{case}']")


def without_elements(path):
    root = etree.fromstring(sample("premises").read_bytes())
    for around in list(root.iter()):
        for element in around.findall(path):
            around.remove(element)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def by_source(events):
    """The events of each push source in their order; those of two sources have none among them."""
    found = defaultdict(list)
    for event in events:
        found[event["source"]].append(event)
    return found


def withdrawn(events):
    return [(event["subject"], event["data"]["record"], event["data"]["key"]) for event in events]


@every_register
def test_a_sample_becomes_the_events_that_were_read_by_hand(name, register):
    expected = json.loads(sample(name).with_suffix(".json").read_text(encoding="utf-8"))
    assert by_source(map(told, register.events())) == by_source(expected["events"])
    assert register.refused() == expected["refused"]


@every_register
def test_what_no_mapping_names_and_what_is_secret_is_neither_told_nor_kept(name, register):
    said = json.dumps(register.events(), ensure_ascii=False) + register.held()
    assert [text for text in NEVER_READ[name] if text in said] == []


def test_the_samples_hold_what_must_never_be_read():
    texts = {
        "petitions": "\n".join(
            str(cell) for row in openpyxl.load_workbook(sample("petitions")).worksheets[0].values for cell in row
        ),
        "compensation": sample("compensation").read_text(encoding="gb18030"),
        "premises": sample("premises").read_text(encoding="utf-8"),
    }
    assert [(name, text) for name in NEVER_READ for text in NEVER_READ[name] if text not in texts[name]] == []


@every_register
def test_the_same_file_again_makes_no_events(name, register):
    assert register.events()
    register.drop(sample(name).read_bytes())
    assert register.events() == []


@every_register
def test_a_row_that_a_later_file_lacks_is_withdrawn_with_all_that_came_of_it(name, register):
    case, records = GOING[name]
    register.events()
    register.drop(without(name, case))
    events = register.events()
    assert {event["type"] for event in events} == {"caseq.withdrawal.v1"}
    assert [(number, record) for number, record, _ in withdrawn(events)] == [(case, record) for record in records]


@pytest.mark.parametrize(
    ("path", "gone"),
    [
        ("处罚[@处罚编号='CF-001']", ("LG640121001", "milestone", "CF-001:trade_penalty")),
        ("检查[@检查编号='JC-007']", ("NB640121008", "milestone", "JC-007:inspection")),
        ("违法告知[@告知编号='GZ-001']", ("BA640121006", "milestone", "GZ-001:violation_notice")),
    ],
)
def test_what_a_later_list_no_longer_has_inside_a_premises_is_withdrawn_alone(tmp_path, path, gone):
    register = Register("premises", tmp_path)
    register.drop(sample("premises").read_bytes())
    register.events()
    register.drop(without_elements(path))
    assert withdrawn(register.events()) == [gone]


def test_a_petition_that_becomes_secret_is_withdrawn_and_forgotten(tmp_path):
    register = Register("petitions", tmp_path)
    register.drop(sample("petitions").read_bytes())
    register.events()
    book = openpyxl.load_workbook(sample("petitions"))
    book.worksheets[0].cell(3, 18, "机密")
    file = io.BytesIO()
    book.save(file)
    register.drop(file.getvalue())
    assert {number for number, *_ in withdrawn(register.events())} == {"XF640121202603001"}
    assert "马建国" not in register.held()


@every_register
def test_the_command_shows_a_sample_masked_and_moves_no_file(name, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / REGISTERS[name]).write_bytes(sample(name).read_bytes())
    expected = json.loads(sample(name).with_suffix(".json").read_text(encoding="utf-8"))["events"]
    shown = adapter(tmp_path, "run", str(MAPPINGS / f"{name}.toml"), "--dry-run")
    assert (shown.returncode, len(shown.stdout.splitlines())) == (0, len(expected)), shown.stderr
    phones = [one["data"]["phone"] for one in expected if "phone" in one["data"]]
    assert [phone for phone in phones if phone in shown.stdout] == []
    checked = adapter(tmp_path, "check", str(MAPPINGS / f"{name}.toml"))
    assert "answers, and has every mapped table and column" in checked.stdout
    assert checked.stdout.count("sample    ") == 3
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [REGISTERS[name]]


def adapter(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        **{f"CASEQ_PUSH_KEY_{source.upper()}": key for source, key in KEYS.items()},
        "CASEQ_ADAPTER_INBOX": str(folder / "inbox"),
        "CASEQ_ADAPTER_STATE": str(folder / "state.db"),
        "CASEQ_ADAPTER_SERVICE_URL": "http://127.0.0.1:9",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "adapters.run", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
