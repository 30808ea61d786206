"""Reads the parts of a mapping that say what becomes of rows: the case, its milestones, its parties."""

from collections.abc import Collection, Sequence

from adapters import vocabulary
from adapters.mapping import (
    CASE_TABLE,
    CaseMapping,
    HoldMapping,
    MilestoneMapping,
    PartyMapping,
    Table,
    TransferMapping,
    Turn,
    UnitMapping,
    Value,
)
from adapters.mapping_tables import unit_lookup
from adapters.mapping_values import conditions, details, subject, template, value, word
from adapters.sections import Section


def case(part: Section, kinds: Collection[str]) -> CaseMapping:
    """How the root row becomes the case; `kinds` are those that are pushed."""
    mapping = CaseMapping(
        kind=word(part, "kind", kinds),
        state=word(part, "state", vocabulary.STATES, "open"),
        opened_on=value(part, "opened_on"),
        concluded_on=value(part, "concluded_on"),
        aliases=part.names("aliases", ()),
        merged_into=value(part, "merged_into"),
        transferred_to=_transfer(part.section("transferred_to")) if "transferred_to" in part else None,
        juvenile=conditions(part, "juvenile"),
        trade=value(part, "trade"),
        unit=_unit(part.section("unit")),
    )
    part.close()
    return mapping


def _unit(part: Section) -> UnitMapping:
    """The unit's values; those of `{ table, by, … }` are columns of the lookup that it stands for."""
    lookup = unit_lookup(part)
    if lookup is None:
        unit = UnitMapping(value(part, "code"), value(part, "name", None), value(part, "address"), value(part, "phone"))
    else:
        columns = (part.name(key) for key in ("code", "name", "address", "phone"))
        unit = UnitMapping(*(Value(columns=(f"{lookup.name}.{column}",)) for column in columns))
    part.close()
    return unit


def _transfer(part: Section) -> TransferMapping:
    transfer = TransferMapping(value(part, "name", None), value(part, "phone"), value(part, "on"))
    part.close()
    return transfer


def milestone(part: Section, tables: Sequence[Table]) -> MilestoneMapping:
    """How rows of one of these tables become milestones."""
    name = word(part, "name", vocabulary.DETAILS)
    names = frozenset(name.codes.values()) - {""} if name.codes is not None else frozenset({name.always} - {""})
    table = part.choice("table", [table.name for table in tables], CASE_TABLE)
    mapping = MilestoneMapping(
        name=name,
        names=names,
        table=table,
        kinds=part.choices("kinds", vocabulary.KINDS, vocabulary.KINDS),
        only=conditions(part, "only") or (),
        key=template(part, "key", ""),
        subject=subject(part, [table.name for table in tables]),
        occurred_on=value(part, "occurred_on", None),
        document_number=value(part, "document_number"),
        history=part.name("history", ""),
        hold=_hold(part.section("hold")) if "hold" in part else None,
        tell_first=conditions(part, "tell_first"),
        details=details(part, names),
    )
    part.close()
    if mapping.names & vocabulary.OF_A_SUSPECT and not mapping.subject.is_given:
        part.fault("subject", "is missing: every suspect would be shown what concerns one of them")
    if not mapping.history and any(isinstance(detail, Turn) for detail in mapping.details.values()):
        part.fault("history", "is missing: a detail with first and later needs it")
    return mapping


def _hold(part: Section) -> HoldMapping:
    hold = HoldMapping(value(part, "reason", None), value(part, "until"))
    part.close()
    return hold


def party(part: Section, tables: Sequence[Table]) -> PartyMapping:
    """How rows of one of these tables become parties."""
    table = part.choice("table", [table.name for table in tables], CASE_TABLE)
    mapping = PartyMapping(
        table=table,
        key=template(part, "key", ""),
        role=word(part, "role", vocabulary.ROLES),
        kinds=part.choices("kinds", vocabulary.KINDS, vocabulary.KINDS),
        only=conditions(part, "only") or (),
        name=value(part, "name"),
        phone=value(part, "phone"),
        subject=subject(part, [table.name for table in tables]),
        appeared_on=value(part, "appeared_on"),
        born_on=value(part, "born_on"),
        juvenile=conditions(part, "juvenile"),
        valid_from=value(part, "valid_from"),
        valid_until=value(part, "valid_until"),
        sms=part.flag("sms", True) if isinstance(part.values.get("sms", True), bool) else conditions(part, "sms") or (),
    )
    part.close()
    if not (mapping.name.columns or mapping.phone.columns):
        part.fault("name", "is missing, and so is phone: a party needs one of them")
    return mapping
