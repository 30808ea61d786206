"""A made-up case system in the B_ASJ layout: every person, number and fact in it is invented."""

import random
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from caseq.demo import layout

LOCAL_TIME = timezone(timedelta(hours=8))

#: Which cases each change fits, as a condition on the case row.
_FITS = {
    "file_case": "AJLX = '刑事' AND LASJ IS NULL",
    "solve_case": "LASJ IS NOT NULL AND PASJ IS NULL",
    "transfer_case": "PASJ IS NOT NULL AND YSSJ IS NULL",
    "decide_penalty": "AJLX = '行政' AND JA_JASJ IS NULL",
    "impose_measure": "AJLX = '刑事' AND AJBH IN (SELECT AJBH FROM B_ASJ_XYRDJ)",
    "correct_filing": "LASJ IS NOT NULL",
    "empty_solving": "PASJ IS NOT NULL AND YSSJ IS NULL",
    "change_phone": "AJBH IN (SELECT AJBH FROM B_ASJ_SHRDJ)",
    "change_unit": "DELETEFLAG = '0'",
    "merge_case": "RESERVATION11 IS NULL",
    "delete_case": "DELETEFLAG = '0'",
    "make_secret": "SECURITYGRADE IS NULL",
}
#: What `change` can do to a case, with how often it happens on a working day.
CHANGES: Mapping[str, int] = {
    "file_case": 5,
    "solve_case": 4,
    "transfer_case": 3,
    "decide_penalty": 5,
    "impose_measure": 6,
    "correct_filing": 2,
    "empty_solving": 1,
    "change_phone": 3,
    "change_unit": 2,
    "merge_case": 1,
    "delete_case": 1,
    "make_secret": 1,
}


@dataclass(frozen=True, slots=True)
class Person:
    """One party of a show case, as somebody at the demo types it."""

    role: str
    kind: str
    case_number: str
    name: str
    phone: str


def create(path: Path, cases: int, seed: int, now: datetime) -> None:
    """Makes a new case system of `cases` cases (at least 2) opened within the eight months before `now` (aware).

    The first two, one criminal and one administrative, are complete and plain: `show_people` lists their parties.
    """
    with _writer(path, seed, now) as writer:
        writer.make_tables()
        for serial in range(1, max(cases, 2) + 1):
            writer.add_case(serial, is_show=serial <= 2)


def change(path: Path, what: str, now: datetime, case_number: str | None = None, seed: int = 0) -> str:
    """Makes one change of CHANGES at `now`, in this case or in any it fits; the number of the case changed."""
    with _writer(path, seed, now) as writer:
        return writer.change(what, case_number)


def file_case(path: Path, case_number: str, now: datetime) -> None:
    """Enters that this criminal case is filed at `now`."""
    change(path, "file_case", now, case_number)


def impose_measure(path: Path, case_number: str, now: datetime, code: str = "04") -> None:
    """Enters this compulsory measure against the first suspect of the case; he has then appeared."""
    with _writer(path, 0, now) as writer:
        writer.impose_measure(case_number, code)


def move_a_day(path: Path, changes: int, seed: int, now: datetime) -> dict[str, int]:
    """Makes this many changes, spread over the eight hours before `now`; how many of each kind."""
    done: dict[str, int] = {}
    chance = random.Random(seed)  # noqa: S311
    for step in range(changes):
        what = chance.choices(list(CHANGES), list(CHANGES.values()))[0]
        moment = now - timedelta(hours=8) + timedelta(hours=8) * (step + 1) / changes
        change(path, what, moment, seed=chance.getrandbits(32))
        done[what] = done.get(what, 0) + 1
    return done


def show_people(path: Path) -> list[Person]:
    """The parties of the two show cases that have appeared, with their clean phones."""
    people: list[Person] = []
    kinds = {"刑事": "criminal", "行政": "administrative"}
    with closing(sqlite3.connect(path)) as database:
        cases = database.execute("SELECT AJBH, AJLX FROM B_ASJ_AJ ORDER BY SYSTEMID LIMIT 2").fetchall()
        for number, kind in cases:
            for table, role in (("B_ASJ_SHRDJ", "victim"), ("B_ASJ_XYRDJ", "suspect")):
                name, phone, contact, contact_phone = database.execute(
                    f"SELECT XM, LXDH, LXRXM, LXRDH FROM {table} WHERE AJBH = ? ORDER BY SYSTEMID",  # noqa: S608
                    (number,),
                ).fetchone()
                people.append(Person(role, kinds[kind], number, name, phone))
                people.append(Person(f"{role}_family", kinds[kind], number, contact, contact_phone))
    return people


@contextmanager
def _writer(path: Path, seed: int, now: datetime) -> Iterator["_Writer"]:
    with closing(sqlite3.connect(path, timeout=10)) as database:
        database.row_factory = sqlite3.Row
        with database:
            yield _Writer(database, random.Random(seed), now.astimezone(LOCAL_TIME))  # noqa: S311


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%d%H%M%S")


@dataclass(slots=True)
class _Writer:
    """One transaction on the case system at one moment; all chance comes from the seed."""

    database: sqlite3.Connection
    chance: random.Random
    now: datetime
    serial: int = 0

    def make_tables(self) -> None:
        for table, columns in layout.COLUMNS.items():
            typed = [f"{name} VARCHAR({size})" for name, size in (part.split(":") for part in columns.split())]
            typed[0] += " PRIMARY KEY"
            self.database.execute(f"CREATE TABLE {table} ({', '.join(typed)})")
            if table in layout.INDEXES:
                self.database.execute(f"CREATE INDEX {layout.INDEXES[table]} ON {table} (LASTUPDATEDTIME)")
        self.database.executemany("INSERT INTO B_ASJ_ZZJG VALUES (?, ?, ?, ?)", layout.UNITS)

    def insert(self, table: str, row: Mapping[str, object]) -> None:
        marks = ", ".join("?" * len(row))
        self.database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))  # noqa: S608

    def name(self) -> str:
        return self.chance.choice(layout.FAMILY_NAMES) + "".join(
            self.chance.sample(layout.GIVEN_NAMES, self.chance.randint(1, 2))
        )

    def phone(self, is_clean: bool = False) -> str | None:
        """An invented mobile number; one in six is typed as clerks do, or is none."""
        digits = f"199{self.chance.randrange(10**8):08d}"
        messy = (None, "不详", digits[:10], f"{digits[:3]} {digits[3:7]} {digits[7:]}", f"+86{digits}", f"{digits}(家)")
        return digits if is_clean or self.chance.random() < 0.84 else self.chance.choice(messy)

    def person(self, is_show: bool) -> dict[str, object]:
        age = 15 if not is_show and self.chance.random() < 0.04 else self.chance.randint(19, 75)
        born = self.now - timedelta(days=age * 365 + self.chance.randint(10, 300))
        identity = f"640121{born:%Y%m%d}{self.chance.randrange(1000):03d}X"
        contact = {"LXRXM": self.name(), "LXRDH": self.phone(is_show)}
        return {"XM": self.name(), "ZJHM": identity, "CSRQ": f"{born:%Y%m%d}", "LXDH": self.phone(is_show), **contact}

    def add_case(self, serial: int, is_show: bool) -> None:
        self.serial = serial
        days = 40 if is_show else self.chance.randint(2, 240)
        opened = self.now - timedelta(days=days, minutes=self.chance.randint(0, 1400))
        is_criminal = serial == 1 if is_show else self.chance.random() < 0.45
        unit = self.chance.choice(layout.UNITS)
        number = f"A{unit[0]}{opened:%Y%m}{serial % 10000:04d}"
        row: dict[str, object] = {
            "SYSTEMID": f"AJ{serial:012d}",
            "AJBH": number,
            "AJMC": f"内部案名{serial}",
            "AJLX": "刑事" if is_criminal else "行政",
            "AJWH": f"示公({'刑' if is_criminal else '治'})受案字〔{opened.year}〕{serial}号",
            "ZYAQ": f"内部案情{serial}",
            "FADD": f"内部地点{serial}",
            "ZBDW": unit[0],
            "ZBDW_CN": unit[1],
            "AJZBRY": f"内部民警{serial % 50}",
            "AJBARP": self.phone(is_clean=True),
            "SL_LRSJ": _stamp(opened),
            "SECURITYGRADE": "1" if not is_show and self.chance.random() < 0.03 else self.chance.choice((None, "0")),
            "CREATEDTIME": _stamp(opened),
            "DELETEFLAG": "0",
        }
        steps = self.steps(opened, is_criminal, is_show)
        self.insert(
            "B_ASJ_AJ", {**row, **steps, "LASTUPDATEDTIME": max([_stamp(opened), *filter(str.isdigit, steps.values())])}
        )
        for place in range(1 if is_show else self.chance.choices((0, 1, 2, 3), (25, 50, 18, 7))[0]):
            self.add_suspect(number, place, opened, is_criminal, is_show)
        for place in range(1 if is_show else self.chance.choices((0, 1, 2), (10, 75, 15))[0]):
            self.add_victim(number, place, opened, is_show)

    def steps(self, opened: datetime, is_criminal: bool, is_show: bool) -> dict[str, str]:
        """The dates of what has happened in this case up to now; the show cases stop early enough to go on."""
        columns = ("LASJ", "PASJ", "YSSJ") if is_criminal else ("JA_JASJ",)
        reached = len(columns) if not is_show else int(is_criminal)
        steps: dict[str, str] = {}
        moment = opened
        for column in columns[:reached]:
            moment += timedelta(days=self.chance.randint(1, 30), minutes=self.chance.randint(0, 600))
            if moment >= self.now or (not is_show and self.chance.random() < 0.3):
                break
            steps[column] = _stamp(moment)
        return {**steps, "RESERVATION08": self.chance.choice(layout.PENALTIES)} if "JA_JASJ" in steps else steps

    def add_suspect(self, number: str, place: int, opened: datetime, is_criminal: bool, is_show: bool) -> None:
        has_measure = is_criminal and (is_show or self.chance.random() < 0.6)
        when = _stamp(min(opened + timedelta(days=self.chance.randint(1, 20)), self.now))
        row: dict[str, object] = {
            "SYSTEMID": f"XY{self.serial:010d}{place:02d}",
            "RYBH": f"R640121{self.serial:08d}{place:02d}",
            "AJBH": number,
            "ASJ_XYRZT": "2" if has_measure or is_show or self.chance.random() < 0.5 else "1",
            "CS": self.chance.choice(layout.MEASURES[:2]) if has_measure else None,
            "CSZXRQ": when if has_measure else None,
            "XXDZMS": f"内部住址{self.serial}",
            "WFQK": f"内部记录{self.serial}",
            "CREATEDTIME": _stamp(opened),
            "LASTUPDATEDTIME": when if has_measure else _stamp(opened),
            "DELETEFLAG": "0",
        }
        self.insert("B_ASJ_XYRDJ", {**row, **self.person(is_show)})

    def add_victim(self, number: str, place: int, opened: datetime, is_show: bool) -> None:
        row: dict[str, object] = {
            "SYSTEMID": f"SH{self.serial:010d}{place:02d}",
            "RYBH": f"S640121{self.serial:08d}{place:02d}",
            "AJBH": number,
            "RYJS": "1" if is_show else self.chance.choices("1239", (70, 15, 10, 5))[0],
            "CREATEDTIME": _stamp(opened),
            "LASTUPDATEDTIME": _stamp(opened),
            "DELETEFLAG": "0",
        }
        self.insert("B_ASJ_SHRDJ", {**row, **self.person(is_show)})

    def change(self, what: str, number: str | None) -> str:
        """Makes one change, in this case or in any that it fits; the number of the case changed."""
        if number is None:
            rows = self.database.execute(f"SELECT AJBH FROM B_ASJ_AJ WHERE {_FITS[what]} ORDER BY AJBH").fetchall()  # noqa: S608
            every = self.database.execute("SELECT AJBH FROM B_ASJ_AJ ORDER BY AJBH").fetchall()
            number = str(self.chance.choice(rows or every)["AJBH"])
        if what == "impose_measure":
            self.impose_measure(number, self.chance.choice(layout.MEASURES))
        elif what == "change_phone":
            self.update("B_ASJ_SHRDJ", number, LXDH=self.phone())
        else:
            self.update("B_ASJ_AJ", number, **self.entry(what, number))
        return number

    def entry(self, what: str, number: str) -> dict[str, str | None]:
        """The columns of the case row that this change fills."""
        if what == "decide_penalty":
            return {"JA_JASJ": _stamp(self.now), "RESERVATION08": self.chance.choice(layout.PENALTIES)}
        if what == "change_unit":
            unit = self.chance.choice(layout.UNITS)
            return {"ZBDW": unit[0], "ZBDW_CN": unit[1]}
        if what == "merge_case":
            others = self.database.execute("SELECT AJBH FROM B_ASJ_AJ WHERE AJBH <> ? ORDER BY AJBH", (number,))
            return {"RESERVATION11": self.chance.choice(others.fetchall())["AJBH"]}
        now, earlier = _stamp(self.now), _stamp(self.now - timedelta(days=1))
        entries: Mapping[str, dict[str, str | None]] = {
            "file_case": {"LASJ": now},
            "solve_case": {"PASJ": now},
            "transfer_case": {"YSSJ": now},
            "correct_filing": {"LASJ": earlier},
            "empty_solving": {"PASJ": None},
            "delete_case": {"DELETEFLAG": "1"},
            "make_secret": {"SECURITYGRADE": "1"},
        }
        return entries[what]

    def impose_measure(self, number: str, code: str) -> None:
        now = _stamp(self.now)
        self.update("B_ASJ_XYRDJ", number, ASJ_XYRZT="2", CS=code, CSZXRQ=now)

    def update(self, table: str, number: str, **values: str | None) -> None:
        """Fills these columns of the first row of this case in the table, and stamps the row."""
        stamped = {**values, "LASTUPDATEDTIME": _stamp(self.now)}
        marks = ", ".join(f"{column} = ?" for column in stamped)
        first = f"SELECT min(SYSTEMID) FROM {table} WHERE AJBH = ?"  # noqa: S608
        self.database.execute(
            f"UPDATE {table} SET {marks} WHERE SYSTEMID = ({first})",  # noqa: S608
            [*stamped.values(), number],
        )
