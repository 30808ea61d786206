"""Bars as SVG: every value stands beside its bar as text, parts differ by their pattern and not by colour alone.

The colours are those of light paper; where caseq.css is, it puts its own in their place.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

_WIDTH = 360
_LINE, _GAP, _BAR = 19, 10, 12
#: So wide is what stands before a bar at most; a longer name stands above it.
_BEFORE, _BESIDE = 44, 64
_SHORT = 3
_INK, _PAPER, _FILL = "#14212b", "#ffffff", "#0f4a73"
#: How the parts of a bar are filled, in their order.
_FILLS = ("solid", "hatched", "empty", "crossed")

_SVG = Markup(
    '<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img"'
    ' aria-labelledby="{n}-title {n}-desc" font-family="Noto Sans CJK SC, system-ui, sans-serif" font-size="13">'
    '<title id="{n}-title">{title}</title><desc id="{n}-desc">{desc}</desc>{defs}'
    '<rect class="paper" width="{w}" height="{h}" fill="{paper}"/>{body}</svg>'
)
_DEFS = Markup(
    '<defs><pattern id="{n}-hatched" width="5" height="5" patternUnits="userSpaceOnUse">'
    '<path class="stripe" d="M-1 1l2-2M0 5l5-5M4 6l2-2" stroke="{fill}" stroke-width="1.5"/></pattern>'
    '<pattern id="{n}-crossed" width="5" height="5" patternUnits="userSpaceOnUse">'
    '<path class="stripe" d="M0 5l5-5M0 0l5 5" stroke="{fill}" stroke-width="1"/></pattern></defs>'
)
_TEXT = Markup('<text x="{}" y="{}" fill="{}">{}</text>')
_RECT = Markup('<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}" fill="{}" stroke="{}"/>')


@dataclass(frozen=True)
class Bar:
    """A bar with its name and the size of each of its parts."""

    name: str
    parts: Sequence[int]


def bars(name: str, title: str, parts: Sequence[str], drawn: Sequence[Bar]) -> Markup:
    """The bars below each other; `name` makes the ids in the picture its own, `parts` are what the parts are called."""
    most = max((sum(bar.parts) for bar in drawn), default=0) or 1
    is_short = len(parts) == 1 and all(len(bar.name) <= _SHORT for bar in drawn)
    y, body = 4, Markup("")
    if len(parts) > 1:
        legend, y = _legend(name, parts, y)
        body += legend
    for bar in drawn:
        shown, y = _beside(name, bar, most, y) if is_short else _below(name, bar, parts, most, y)
        body += shown
    desc = "；".join(f"{bar.name}：{_said(bar, parts)}" for bar in drawn)
    return _SVG.format(
        n=name,
        w=_WIDTH,
        h=y + 4,
        title=title,
        desc=desc,
        paper=_PAPER,
        defs=_DEFS.format(n=name, fill=_FILL),
        body=body,
    )


def _said(bar: Bar, parts: Sequence[str]) -> str:
    if len(parts) == 1:
        return f"{bar.parts[0]:,}"
    return " · ".join(f"{part} {count:,}" for part, count in zip(parts, bar.parts, strict=True))


def _legend(name: str, parts: Sequence[str], y: int) -> tuple[Markup, int]:
    drawn = Markup("")
    for place, part in enumerate(parts):
        x = place * _WIDTH // len(parts)
        drawn += _part(name, place, x + 1, y + 2, _BAR) + _text(x + _BAR + 6, y + _BAR, part)
    return drawn, y + _LINE + _GAP


def _beside(name: str, bar: Bar, most: int, y: int) -> tuple[Markup, int]:
    """Name, bar and value in one line."""
    length = (_WIDTH - _BEFORE - _BESIDE) * sum(bar.parts) / most
    drawn = _text(0, y + _BAR, bar.name) + _part(name, 0, _BEFORE, y + 2, length)
    return drawn + _text(_BEFORE + length + 6, y + _BAR, f"{bar.parts[0]:,}"), y + _LINE + 4


def _below(name: str, bar: Bar, parts: Sequence[str], most: int, y: int) -> tuple[Markup, int]:
    """The name with the values, and below them the bar."""
    drawn = _text(0, y + _BAR, bar.name)
    if len(parts) == 1:
        drawn = _text(0, y + _BAR, f"{bar.name}　{_said(bar, parts)}")
    else:
        y += _LINE
        drawn += _text(0, y + _BAR, _said(bar, parts))
    y, x = y + _LINE, 1.0
    for place, count in enumerate(bar.parts):
        length = (_WIDTH - 2) * count / most
        if count:
            drawn += _part(name, place, x, y, length)
        x += length
    return drawn, y + _BAR + _GAP


def _part(name: str, place: int, x: float, y: int, length: float) -> Markup:
    kind = _FILLS[place % len(_FILLS)]
    fill = {"solid": _FILL, "empty": _PAPER}.get(kind, f"url(#{name}-{kind})")
    return _RECT.format(f"part {kind}", x, y, length, _BAR, fill, _FILL)


def _text(x: float, y: int, text: str) -> Markup:
    return _TEXT.format(round(x, 1), y, _INK, text)
