"""An invented case system in the long format, in any database: what a county somewhere else might have."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import TIMESTAMP, Column, Date, Engine, Integer, MetaData, String, Table, delete, insert, update

from adapters.moments import LOCAL_TIME

NUMBER = "A6401215100002026100001"
OTHER = "A6401215100002026100002"
#: Columns that no mapping names; their values begin with HIDDEN.
UNMAPPED = ("facts_told", "identity_no", "officer_note", "label_text")
HIDDEN = "SECRET"
_CODES = ("CR", "AD", "SUSP", "VICT", "WITN", "FILE", "SOLV", "PROS", "NOTE", "DETN", "ARST", "TALK", "NEW9")


def code_id(code: str) -> int:
    """The number under which the dictionary has this code."""
    return 100 + _CODES.index(code)


def at(day: int, hour: int = 9, minute: int = 0, second: int = 0, micro: int = 0) -> datetime:
    """A moment in November 2026, local time."""
    return datetime(2026, 11, day, hour, minute, second, micro, tzinfo=LOCAL_TIME)


def _number(name: str) -> Column[int]:
    return Column(name, Integer)


def _text(name: str) -> Column[str]:
    return Column(name, String(200))


def _day(name: str) -> Column[date]:
    return Column(name, Date)


def tables(schema: str | None = None) -> MetaData:
    """The tables of the layout; each has an integer id, and those that clerks write to a real change time."""
    metadata = MetaData(schema=schema)
    layout: dict[str, list[Column[Any]]] = {
        "dossier": [_text("register_no"), *map(_number, ("kind_id", "office_id")), _day("opened_on")],
        "person": [*map(_text, ("full_name", "phone", "identity_no")), _day("born_on"), _number("classified")],
        "involved": [*map(_number, ("dossier_id", "person_id", "capacity_id")), _day("appeared_on")],
        "step": [*map(_number, ("dossier_id", "involved_id", "kind_id")), _day("taken_on")],
        "lawyer": [_number("dossier_id"), *map(_text, ("name", "phone", "for_whom"))],
    }
    layout["dossier"].append(_text("facts_told"))
    layout["step"] += map(_text, ("paper_no", "officer_note"))
    for name, columns in layout.items():
        # MariaDB would otherwise write the time of every change into the first such column by itself.
        changed = Column("updated_at", TIMESTAMP(timezone=True), nullable=True)
        Table(name, metadata, _key(), *columns, changed)
    Table("dict_item", metadata, _key(), _text("code"), _text("label_text"))
    Table("office", metadata, _key(), *map(_text, ("code", "name", "phone")))
    return metadata


def _key() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=False)


@dataclass
class LongSystem:
    """A case system of this layout behind an engine that may write; `url` and `schema` are what a mapping needs."""

    engine: Engine
    url: str
    schema: str | None = None
    metadata: MetaData = field(init=False)

    def __post_init__(self) -> None:
        self.metadata = tables(self.schema)
        self.metadata.create_all(self.engine)
        for code in _CODES:
            self.insert("dict_item", id=code_id(code), code=code, label_text=f"{HIDDEN}LABEL")
        self.insert("office", id=7, code="640121510000", name="示例县公安局东湖派出所", phone="0951-8010051")

    def table(self, name: str) -> Table:
        """The table of this name."""
        return self.metadata.tables[f"{self.schema}.{name}" if self.schema else name]

    def insert(self, name: str, /, **row: Any) -> None:
        """Adds one row."""
        with self.engine.begin() as connection:
            connection.execute(insert(self.table(name)).values(**row))

    def change(self, name: str, row_id: int, when: datetime, /, **values: Any) -> None:
        """Changes one row, and its change time."""
        table = self.table(name)
        with self.engine.begin() as connection:
            connection.execute(update(table).where(table.c.id == row_id).values(**values, updated_at=when))

    def remove(self, name: str, row_id: int) -> None:
        """Deletes one row without a trace."""
        table = self.table(name)
        with self.engine.begin() as connection:
            connection.execute(delete(table).where(table.c.id == row_id))

    def add_dossier(self, row_id: int = 1, number: str = NUMBER, kind: str = "CR", **more: Any) -> None:
        row = {"office_id": 7, "opened_on": date(2026, 10, 1), "facts_told": f"{HIDDEN}FACTS", "updated_at": at(1)}
        self.insert("dossier", id=row_id, register_no=number, kind_id=code_id(kind), **{**row, **more})

    def add_person(self, row_id: int, dossier: int = 1, capacity: str = "SUSP", **more: Any) -> None:
        """Adds a person, and under the same number plus 1000 the person's place in the case."""
        row = {"full_name": f"某人{row_id}", "phone": "13812345678/0951-8011001", "identity_no": f"{HIDDEN}IDENTITY"}
        person = {**row, "born_on": date(1990, 5, 1), "classified": 0, "updated_at": at(1), **more}
        self.insert("person", id=row_id, **person)
        link = {"dossier_id": dossier, "person_id": row_id, "appeared_on": date(2026, 10, 2), "updated_at": at(1)}
        self.insert("involved", id=row_id + 1000, capacity_id=code_id(capacity), **link)

    def add_step(self, row_id: int, kind: str, involved: int | None = None, **more: Any) -> None:
        row = {"dossier_id": 1, "taken_on": date(2026, 10, 3), "paper_no": f"示公字〔2026〕{row_id}号"}
        row |= {"officer_note": f"{HIDDEN}NOTE", "updated_at": at(1)}
        self.insert("step", id=row_id, kind_id=code_id(kind), involved_id=involved, **{**row, **more})

    def add_lawyer(self, row_id: int, for_whom: str, **more: Any) -> None:
        row = {"dossier_id": 1, "name": f"律师{row_id}", "phone": "13912345678", "updated_at": at(1)}
        self.insert("lawyer", id=row_id, for_whom=for_whom, **{**row, **more})
