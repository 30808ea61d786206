"""config/messages.toml: what messages say, who is told of what and when, how messages are sent."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from caseq.errors import ConfigurationError, Fault
from caseq.rules.case import MilestoneName, Role
from caseq.rules.messages import Template, Wording
from caseq.rules.routes import FREE, Route, route_of
from caseq.rules.telling import Channel, Line, Manner
from caseq.settings.messageschemas import MessagesToml
from caseq.settings.model import Sending
from caseq.settings.schemas import LANGUAGES
from caseq.settings.textfaults import length_faults, text_faults
from caseq.settings.tomlfile import TomlFile


def read_messages(path: Path) -> dict[str, Any]:
    """`wording`, `telling` and `sending` of the settings; ConfigurationError with every fault."""
    file = TomlFile(path)
    loaded = file.checked(MessagesToml(), file.data)
    faults = text_faults(file, loaded)
    wording = _wording(loaded)
    faults += [] if faults else length_faults(file, wording)
    telling = tuple(_line(line) for line in loaded["when"])
    faults += _review_faults(file, loaded["template"]) + _table_faults(file, telling)
    sending = _sending(loaded)
    faults += _sending_faults(file, sending)
    if faults:
        raise ConfigurationError(faults)
    return {"wording": wording, "telling": telling, "sending": sending}


def _wording(loaded: Mapping[str, Any]) -> Wording:
    templates = {name: _template(name, written) for name, written in loaded["template"].items()}
    return Wording(loaded["signature"], loaded["phrase"], templates)


def _template(name: str, written: Mapping[str, Any]) -> Template:
    sentences = {language: written[language] for language in LANGUAGES}
    approved = {}
    for key, code in written["aliyun"].items():
        language, _, phrase = key.partition("_")
        approved[name + (f"_{phrase}" if phrase else ""), language] = code
    return Template(name, written["version"], sentences, approved)


def _line(written: Mapping[str, Any]) -> Line:
    delay = timedelta(minutes=written["delay_minutes"])
    how = Manner(written["channel"], delay, written["quiet"], written["tell_first"])
    return Line(written["milestones"], written["roles"], how)


def _sending(loaded: Mapping[str, Any]) -> Sending:
    news, sending = loaded["news"], loaded["sending"]
    return Sending(
        prefixes=tuple(sending["prefixes"]),
        code_valid_seconds=sending["code_valid_seconds"],
        news_valid_seconds=sending["news_valid_seconds"],
        news_within=timedelta(days=news["within_days"]),
        longest_delay=timedelta(minutes=news["longest_delay_minutes"]),
        spread=timedelta(minutes=news["spread_minutes"]),
        give_up_after=timedelta(hours=sending["give_up_hours"]),
        receipt_after=tuple(timedelta(minutes=minutes) for minutes in sending["receipt_minutes"]),
        most_codes_a_day=sending["most_a_day"]["codes"],
        most_news_a_day=sending["most_a_day"]["news"],
        prices=sending["price"],
        routes=tuple(Route(route["prefix"], tuple(route["gateways"])) for route in sending["route"]),
    )


def _review_faults(file: TomlFile, templates: Mapping[str, Mapping[str, Any]]) -> list[Fault]:
    """A fault for every text that says by whom it was reviewed, or when, and not both."""
    faults = []
    for name, written in templates.items():
        is_by, is_on = bool(written["reviewed_by"].strip()), "reviewed_on" in written
        if is_by and not is_on:
            faults.append(file.fault(["template", name, "reviewed_by"], "says who, but reviewed_on does not say when"))
        if is_on and not is_by:
            faults.append(file.fault(["template", name, "reviewed_on"], "says when, but reviewed_by does not say who"))
    return faults


def _table_faults(file: TomlFile, table: Sequence[Line]) -> list[Fault]:
    """What the table leaves open, what can never apply, and what cannot be done."""
    faults = []
    left = {(milestone, role) for milestone in (None, *MilestoneName) for role in Role}
    for place, line in enumerate(table):
        fitting = {(milestone, role) for milestone, role in left if line.fits(milestone, role)}
        if not fitting:
            faults.append(file.fault(["when", place], "can never apply: lines above it take all that it fits"))
        if line.manner.tell_first and line.manner.channel is not Channel.SMS:
            faults.append(file.fault(["when", place, "tell_first"], 'holds an SMS back: only with channel = "sms"'))
        left -= fitting
    if table[-1].milestones is not None or table[-1].roles is not None:
        last: list[str | int] = ["when", len(table) - 1]
        faults.append(file.fault(last, 'is the last line: it has to fit everything, milestones and roles ["*"]'))
    return faults


def _sending_faults(file: TomlFile, sending: Sending) -> list[Fault]:
    """What is left open or said twice of the ways to send."""
    faults = []
    if list(sending.receipt_after) != sorted(set(sending.receipt_after)):
        faults.append(file.fault(["sending", "receipt_minutes"], "must rise: each longer than the one before"))
    for place, prefix in enumerate(sending.prefixes):
        if route_of(sending.routes, prefix) is None:
            faults.append(file.fault(["sending", "prefixes", place], f"no [[sending.route]] is for {prefix}"))
    for place, route in enumerate(sending.routes):
        if route.prefix in {earlier.prefix for earlier in sending.routes[:place]}:
            faults.append(file.fault(["sending", "route", place, "prefix"], f"{route.prefix} has a route already"))
        if len(set(route.gateways)) < len(route.gateways):
            faults.append(file.fault(["sending", "route", place, "gateways"], "names a provider twice"))
        for gateway in sorted(set(route.gateways) - FREE - sending.prices.keys()):
            reason = f"[sending.price] has no price of {gateway}"
            faults.append(file.fault(["sending", "route", place, "gateways"], reason))
    return faults
