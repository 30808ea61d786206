"""Fixtures: recorded without persons, and replayed after every change of a mapping."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from adapters import fixtures
from adapters.disguise import Disguise
from adapters.mapping_file import read_mapping
from adapters.reading import CaseRows
from caseq.rules.numbers import mobile
from tests.adapters.bench import NOW, ROOT, Adapter, Source
from tests.adapters.test_kill import COMMAND

KEPT = Path(__file__).with_name("fixtures")
_FOLDERS = sorted(path.parent for path in KEPT.glob("*/fixture.json"))


def _run(adapter: Adapter, command: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, command, str(adapter.file()), *words],
        cwd=ROOT,
        env={**os.environ, **adapter.environment()},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def people(source: Source) -> Source:
    source.add_case(LASJ="20261003100000")
    source.add_suspect(LXDH="13812345678", LXRDH="138 1234 5679")
    source.add_victim(LXDH="无", LXRDH="0951-7654321")
    source.add_victim(row_id="SH2", CSRQ="20150101", XM="害某", LXDH="13912345678(害家)", LXRXM=" 害 家")
    source.add_victim(row_id="SH3", DELETEFLAG="1")
    source.add_victim(row_id="SH4", RYJS="害某的邻居")
    return source


@pytest.mark.parametrize(
    ("typed", "other"),
    [
        ("+86 139 0013 9000", "+86 199 0000 0001"),
        ("+86-13900139000", "+86-19900000001"),
        ("008613900139000", "008619900000001"),
        ("8613900139000", "8619900000001"),
        ("１３９　００１３　９０００", "199　0000　0001"),
        ("139 0013 9000 / 138 0013 8000", "199 0000 0001 / 199 0000 0002"),
        ("0951-8010001、13900139000", "0951-8000001、19900000002"),
        ("13900139000转12", "19900000001某12"),
        ("10000139000", "10000000001"),
    ],
)
def test_a_mobile_number_stays_one_however_it_is_written_and_no_other_becomes_one(
    adapter: Adapter, typed: str, other: str
) -> None:
    disguise = Disguise(adapter.mapping(), NOW.date())
    (row,) = disguise.case(CaseRows("A1", {"victims": [{"LXDH": typed}]})).tables["victims"]
    assert row["LXDH"] == other
    assert (mobile(typed) is None) == (mobile(other) is None)


@pytest.mark.parametrize("folder", _FOLDERS, ids=lambda folder: folder.name)
def test_a_kept_fixture_gives_the_events_it_was_recorded_with(folder: Path) -> None:
    adapter = json.loads((folder / "fixture.json").read_text(encoding="utf-8"))["adapter"]
    mapping = read_mapping(ROOT / "config" / "adapters" / f"{adapter}.toml", {})
    assert fixtures.replay(mapping, folder) == []


def test_there_is_a_kept_fixture() -> None:
    assert _FOLDERS


def test_a_recording_tells_nothing_of_its_persons_and_replays(people: Source, adapter: Adapter, tmp_path: Path) -> None:
    out = tmp_path / "fixture"
    done = _run(adapter, "record", "--out", str(out))
    assert (done.returncode, done.stdout.split()[0]) == (0, "1"), done.stderr
    kept = "".join(path.read_text(encoding="utf-8") for path in out.iterdir())
    personal = ["疑", "害", "邻居", "138", "139", "1234", "7654321", "SECRETIDENTITY", "19800101", "20150101"]
    assert not [word for word in personal if word in kept]
    assert "19900000001" in kept
    again = _run(adapter, "replay", str(out))
    assert (again.returncode, again.stdout) == (0, "0 differences\n")


def test_a_secret_case_is_not_recorded_in_any_disguise(people: Source, adapter: Adapter, tmp_path: Path) -> None:
    people.change_case("20261104090000", SECURITYGRADE="1")
    out = tmp_path / "fixture"
    assert _run(adapter, "record", "--out", str(out)).stdout.split()[0] == "0"
    assert (out / "rows.jsonl").read_text(encoding="utf-8") == ""


def test_a_changed_mapping_is_told_by_fields_and_never_by_values(
    people: Source, adapter: Adapter, tmp_path: Path
) -> None:
    out = tmp_path / "fixture"
    assert _run(adapter, "record", "--out", str(out)).returncode == 0
    file = adapter.file()
    file.write_text(file.read_text(encoding="utf-8").replace('"LASJ"', '"PASJ"').replace('"LXRDH"', '"LXDH"'), "utf-8")
    done = subprocess.run(
        [*COMMAND, "replay", str(file), str(out)],
        cwd=ROOT,
        env={**os.environ, **adapter.environment()},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "criminal milestone AJ1:case_filed of case" in done.stdout
    assert ": only before" in done.stdout
    assert ": data.phone" in done.stdout
    assert "1990000" not in done.stdout


def test_nothing_is_written_into_a_folder_in_use(people: Source, adapter: Adapter, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    done = _run(adapter, "record", "--out", str(tmp_path))
    assert done.returncode == 1
    assert "is not empty" in done.stderr
    assert _run(adapter, "replay", str(tmp_path)).returncode == 1


def test_what_was_equal_stays_equal_and_who_was_a_child_stays_one(adapter: Adapter) -> None:
    disguise = Disguise(adapter.mapping(), NOW.date())
    rows = [
        {"XM": "害某", "LXRXM": "害 某", "LXDH": "199-0000-0003", "LXRDH": "0951-8010001", "CSRQ": "2015年1月1日"},
        {"XM": "害家", "LXRXM": "害某", "LXDH": "手机19900000003", "LXRDH": "不详", "CSRQ": "19800101"},
    ]
    found = disguise.case(CaseRows("A1", {"victims": rows})).tables["victims"]
    names = [found[0]["XM"], found[0]["LXRXM"], found[1]["LXRXM"]]
    assert (len(set(names)), found[1]["XM"] in names) == (1, False)
    assert str(found[0]["LXRDH"]).startswith("0951-8")
    assert str(found[1]["LXDH"]).startswith("手机199")
    assert found[1]["LXRDH"] == "不详"
    assert str(found[0]["CSRQ"]).startswith("2016")
    assert str(found[1]["CSRQ"]) < "2000"


def test_no_text_keeps_a_name_of_its_own_case() -> None:
    disguise = Disguise(read_mapping(ROOT / "config/adapters/petitions.toml", {}), NOW.date())

    def kept(name: str, number: str, unit: str) -> tuple[bool, bool]:
        row = {"信访编号": "XF1", "信访人": name, "答复意见书文号": number, "承办单位": unit}
        (found,) = disguise.case(CaseRows("XF1", {"case": [row]})).tables["case"]
        return found["答复意见书文号"] == number, found["承办单位"] == unit

    assert kept("张伟", "关于张伟信访事项的答复〔2026〕12号", "张 伟信访接待室") == (False, False)
    assert kept("张伟、Li Si", "LISI-12", "示例县公安局") == (False, True)
    assert kept("阿里木·买买提12", "XF-12", "买买提信访接待室") == (True, False)
    assert kept("李强", "示公信访字〔2026〕12号", "张伟信访接待室") == (True, True)
    assert kept("匿名", "匿名-12", "匿名信访接待室") == (False, True)
