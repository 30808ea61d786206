"""The boards: what somebody has to do by hand, what was refused and why, which source is silent."""

from flask import Blueprint, Response, request

from caseq import freshness as sources
from caseq import intake, quarantine
from caseq.texting import overseeing, persons
from caseq.texting.overseeing import Refused
from caseq.web.console import boardwords, gate
from caseq.web.console.forms import plain
from caseq.web.current import runtime
from caseq.web.language import words
from caseq.web.schemas import errors_of

blueprint = Blueprint("boards", __name__, url_prefix=gate.PREFIX)

_LONGEST_NOTE = 300


@blueprint.get("/tasks")
def tasks() -> Response:
    """What the units have to do, what is due first in front; a unit sees its own."""
    return _tasks()


@blueprint.post("/tasks/<int:task_id>")
def finish(task_id: int) -> Response:
    """Notes that a task was done; sent twice it is done once."""
    note = plain(request.form.get("note", ""))
    if not 0 < len(note) <= _LONGEST_NOTE or not note.isprintable():
        return _tasks("请写一句是怎么办的，不写姓名和号码")
    done = overseeing.finish_own(runtime(), task_id, gate.me(), note)
    return gate.go("boards.tasks", done="before" if isinstance(done, Refused) else "done")


@blueprint.post("/tasks/<int:task_id>/told")
def told(task_id: int) -> Response:
    """Records that somebody was told, now, which ends the task and what waits to be sent of it."""
    channel = next((one for one in boardwords.CHANNELS if one.value == request.form.get("channel")), None)
    if channel is None:
        return _tasks("请选是怎么告知的")
    done = persons.told_now(runtime(), gate.me(), task_id, channel)
    return gate.go("boards.tasks", done="before") if isinstance(done, Refused) else gate.go("boards.tasks", done="told")


@blueprint.get("/quarantine")
def refused() -> Response:
    """The refused events with what is wrong, where to mend it, and what came: keys and types, never values."""
    kinds = boardwords.kinds_of(runtime().settings.sources)
    found = [boardwords.refused(item, kinds) for item in quarantine.waiting(runtime())]
    return gate.show("quarantine", found=found, done=request.args.get("done"))


@blueprint.post("/quarantine/<int:number>")
def retry(number: int) -> Response:
    """Takes one refused event in once more."""
    parts = runtime()
    item = next(iter(quarantine.waiting(parts, [number])), None)
    source = parts.settings.sources.get(item.source) if item else None
    if item is None or source is None:
        return gate.go("boards.refused", done="gone")
    pushed = intake.Pushed(item.raw, errors_of(item.raw, source.name))
    result = intake.take_again(parts, source, [pushed], f"retry {item.id}")[0]
    quarantine.note_retry(parts, gate.me(), item, result.outcome)
    return gate.go("boards.refused", done="refused" if result.outcome == "refused" else "taken")


@blueprint.get("/freshness")
def freshness() -> Response:
    """Since when each source is silent, what is missing, what waits, and whether a worker is alive."""
    parts = runtime()
    page = boardwords.freshness(sources.board(parts), parts.clock(), boardwords.kinds_of(parts.settings.sources))
    return gate.show("freshness", page=page)


def _tasks(fault: str | None = None) -> Response:
    now = runtime().clock()
    found = [boardwords.task(one, words("zh"), now) for one in overseeing.to_do_of(runtime(), gate.me())]
    channels, done = boardwords.CHANNELS, request.args.get("done")
    return gate.show("tasks", 422 if fault else 200, found=found, fault=fault, done=done, channels=channels)
