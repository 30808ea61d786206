"""The policy as HTML: the part of /what-you-can-see that `caseq policy show --format html` writes too."""

from itertools import groupby
from pathlib import Path

from markupsafe import Markup

from caseq.rules.disclosure import Policy
from caseq.web import policytext
from caseq.web.language import N_, Words
from caseq.web.policytext import CLAUSE, COLUMNS, REASON, SHOWN, Row, Section

_STYLE = Path(__file__).parent / "static" / "caseq.css"
_ROW = Markup(
    '<tr role="row"><th role="rowheader" scope="row">{}</th><td role="cell" data-l="{}"><span>{}{}</span></td>'
    '<td role="cell" data-l="{}"><span>{}</span></td><td role="cell" data-l="{}"><span>{}</span></td></tr>\n'
)
_TABLE = Markup(
    '<h3 id="{0}">{1}</h3>\n{2}<table class="cards" role="table" aria-labelledby="{0}">\n<thead role="rowgroup">'
    '<tr role="row">{3}</tr></thead>\n<tbody role="rowgroup">\n{4}</tbody></table>\n'
)
_DOCUMENT = Markup(
    '<!doctype html>\n<html lang="{}">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width,initial-scale=1">\n<title>{}</title>\n<style>{}</style>\n'
    '</head>\n<body>\n<main class="wide page">\n<h1>{}</h1>\n{}</main>\n</body>\n</html>\n'
)


def document(policy: Policy, words: Words) -> str:
    """A whole page that needs nothing else: no script, no address of anything."""
    title = words.say(policytext.TITLE)
    style = Markup(_STYLE.read_text(encoding="utf-8"))  # noqa: S704 - our own file
    whole = Markup("{} - {}").format(title, policy.name)
    return str(_DOCUMENT.format(words.html_lang, whole, style, title, part(policy, words)))


def part(policy: Policy, words: Words) -> Markup:
    """Everything below the heading: who sees what, by which clause, why; then what nobody sees."""
    found = policytext.sections(policy, words)
    chapters = [(title, list(inside)) for title, inside in groupby(found, lambda section: _chapter(section, words))]
    lead = _paragraph(words.say(N_("这里写明每种身份能看到什么、依据哪一条、为什么。没有写的，网上看不到。")))
    lines = [lead, *(_paragraph(line) for line in policytext.basis(policy, words)), _contents(chapters, words)]
    for number, (title, inside) in enumerate(chapters, start=1):
        lines.append(_heading(f"part-{number}", title))
        if not inside[0].online:
            lines.append(_paragraph(words.say(policytext.ON_PAPER_MEANS)))
        lines += [_table(f"part-{number}-{place}", section, words) for place, section in enumerate(inside, start=1)]
    limits = [Markup("<li>{}</li>").format(words.say(limit)) for limit in policytext.LIMITS]
    lines += [
        _heading("limits", words.say(_LIMITS)),
        _paragraph(words.say(policytext.NEVER)),
        Markup("<ul>{}</ul>\n").format(_joined(limits)),
    ]
    return _joined(lines)


_LIMITS = N_("什么时候看不到")


def _chapter(section: Section, words: Words) -> Markup:
    return section.kind if section.online else words.say(policytext.ON_PAPER)


def _contents(chapters: list[tuple[Markup, list[Section]]], words: Words) -> Markup:
    link = Markup('<li><a href="#{}">{}</a></li>')
    links = [link.format(f"part-{number}", title) for number, (title, _) in enumerate(chapters, start=1)]
    links.append(link.format("limits", words.say(_LIMITS)))
    return Markup('<nav aria-label="{}"><ul>{}</ul></nav>\n').format(words.say(N_("本页内容")), _joined(links))


def _table(anchor: str, section: Section, words: Words) -> Markup:
    title = section.roles if section.online else section.title(words)
    days = "" if section.days is None else _paragraph(policytext.open_for(section.days, words))
    head = [Markup('<th role="columnheader" scope="col">{}</th>').format(words.say(column)) for column in COLUMNS]
    rows = [_row(row, words) for row in section.rows]
    return _TABLE.format(anchor, title, days, _joined(head), _joined(rows))


def _row(row: Row, words: Words) -> Markup:
    of_whom = Markup("<br><small>{}</small>").format(row.of_whom) if row.of_whom else ""
    shown, clause, reason = words.say(SHOWN), words.say(CLAUSE), words.say(REASON)
    return _ROW.format(row.item, shown, row.shown, of_whom, clause, row.clause, reason, row.reason)


def _heading(anchor: str, text: Markup) -> Markup:
    return Markup('<h2 id="{}">{}</h2>\n').format(anchor, text)


def _paragraph(text: Markup) -> Markup:
    return Markup("<p>{}</p>\n").format(text)


def _joined(lines: list[Markup]) -> Markup:
    return Markup("").join(lines)
