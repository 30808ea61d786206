"""The layer picture of docs/architecture.md as data: imports go down only, and every library has its place."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service import ROOT

#: What stands in each row, from the ground up; a package stands for all that is in it. Nobody imports a neighbour of
#: the same row, except inside one package.
ROWS = (
    ("caseq", "caseq.errors"),
    ("caseq.rules",),
    ("caseq.settings", "caseq.store", "caseq.sms", "caseq.logs"),
    ("caseq.runtime",),
    (
        "caseq.answering",
        "caseq.chaining",
        "caseq.counter",
        "caseq.delivering",
        "caseq.desk",
        "caseq.enrolling",
        "caseq.freshness",
        "caseq.granting",
        "caseq.guarding",
        "caseq.housekeeping",
        "caseq.inbox",
        "caseq.intake",
        "caseq.linkout",
        "caseq.login",
        "caseq.looking",
        "caseq.noticing",
        "caseq.numbering",
        "caseq.paper",
        "caseq.preferring",
        "caseq.previewing",
        "caseq.printing",
        "caseq.proving",
        "caseq.quarantine",
        "caseq.rekeying",
        "caseq.reporting",
        "caseq.staffing",
        "caseq.texting",
        "caseq.viewing",
        "caseq.voicing",
        "caseq.watching",
    ),
    ("caseq.web",),
    ("caseq.app", "caseq.worker", "caseq.receiver", "caseq.serving", "caseq.demo", "caseq.commands"),
    ("caseq.cli", "wsgi"),
)

#: All that `adapters` may use of the service: the two things both ends must do alike.
SHARED_WITH_ADAPTERS = ("caseq.rules.signing", "caseq.rules.numbers")

#: Who may import a library; a library that is not named here belongs nowhere until somebody decides.
LIBRARIES = {
    "alembic": ("caseq.store",),
    "apispec": ("caseq.web",),
    "argon2": ("caseq.staffing",),
    "babel": ("caseq.web",),
    "chinese_calendar": ("caseq.rules",),
    "click": ("caseq.cli", "caseq.commands", "adapters.run"),
    "cryptography": ("caseq.store",),
    "flask": ("caseq.web", "caseq.app"),
    "flask_limiter": ("caseq.web",),
    "flask_wtf": ("caseq.web", "caseq.app"),
    "granian": ("caseq.serving",),
    "jinja2": ("caseq.app",),
    "jwt": ("caseq.rules",),
    "limits": ("caseq.settings",),
    "lxml": ("adapters.sources",),
    "markupsafe": ("caseq.web",),
    "marshmallow": ("caseq.web", "caseq.settings"),
    "orjson": ("adapters", "caseq.rules", "caseq.store"),
    "phonenumbers": ("caseq.rules",),
    "prometheus_client": ("caseq.web",),
    "pyotp": ("caseq.rules",),
    "python_calamine": ("adapters.sources",),
    "requests": ("caseq.sms", "caseq.demo", "adapters"),
    "rich": ("caseq.commands", "caseq.demo"),
    "segno": ("caseq.printing", "caseq.web.account"),
    "sqlalchemy": ("caseq.store", "adapters.sources"),
    "structlog": (
        "caseq.chaining",
        "caseq.intake.taking",
        "caseq.linkout",
        "caseq.logs",
        "caseq.receiver",
        "caseq.answering",
        "caseq.rekeying",
        "caseq.sms.route",
        "caseq.staffing",
        "caseq.store.contacts",
        "caseq.texting",
        "caseq.watching",
        "caseq.worker",
        "caseq.web",
        "adapters",
    ),
    "twilio": ("caseq.sms",),
    "typst": ("caseq.printing",),
    "urllib3": ("caseq.sms",),
    "werkzeug": ("caseq.web", "caseq.app"),
}

#: What would let a rule see or change the world: rules take time and chance as arguments.
WORLDLY = frozenset({"asyncio", "http", "logging", "os", "pathlib", "random", "secrets", "shutil", "socket"})
WORLDLY |= {"sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib", "uuid"}


def modules(root: Path) -> dict[str, Path]:
    """Every module of the project by its dotted name."""
    files = [root / "wsgi.py", *(root / "caseq").rglob("*.py"), *(root / "adapters").rglob("*.py")]
    return {name_of(path.relative_to(root)): path for path in files if path.is_file()}


def name_of(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path, name: str, known: frozenset[str]) -> Iterator[str]:
    """Every module that this one imports, wherever the statement stands."""
    is_package = path.name == "__init__.py"
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = name.split(".")[: len(name.split(".")) - node.level + is_package]
                base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield whole if whole in known else base


def is_in(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or name.startswith(place + ".") for place in places)


def place(name: str) -> tuple[int, str] | None:
    """The row of a module and the entry of that row it belongs to; None if the picture does not show it."""
    found = [(row, entry) for row, entries in enumerate(ROWS) for entry in entries if is_in(name, (entry,))]
    exact = [(row, entry) for row, entry in found if entry != "caseq" or name == "caseq"]
    return exact[-1] if exact else None


def fault(name: str, imported: str) -> str | None:
    """What is wrong with one import, None if it is as the picture says."""
    top = imported.split(".")[0]
    if top in sys.stdlib_module_names:
        return f"{name} must not import {top}" if is_in(name, ("caseq.rules",)) and top in WORLDLY else None
    if top not in ("caseq", "adapters", "wsgi"):
        return None if is_in(name, LIBRARIES.get(top, ())) else f"{name} must not import {top}"
    if is_in(name, ("adapters",)):
        allowed = top == "adapters" or is_in(imported, SHARED_WITH_ADAPTERS)
        return None if allowed else f"{name} must not import {imported}: adapters run elsewhere"
    mine, other = place(name), place(imported)
    if mine is None:
        return None  # said once for the module, not for each of its imports
    if other is None:
        return f"{name} must not import {imported}, which is not in the picture"
    if other[0] > mine[0]:
        return f"{name} must not import {imported}: imports go down"
    if other[0] == mine[0] and other[1] != mine[1]:
        return f"{name} must not import its neighbour {imported}"
    return None


def faults(root: Path) -> list[str]:
    """Every import below `root` that the picture forbids."""
    known = modules(root)
    found = (
        fault(name, imported) for name, path in known.items() for imported in imports(path, name, frozenset(known))
    )
    missing = (f"{name} is not in the picture" for name in known if not is_in(name, ("adapters",)) and not place(name))
    return sorted({one for one in (*found, *missing) if one})


def edges(root: Path) -> set[tuple[str, str]]:
    known = modules(root)
    return {(name, other) for name, path in known.items() for other in imports(path, name, frozenset(known))}


def test_every_import_goes_down_and_every_library_stays_in_its_place():
    assert faults(ROOT) == []


def test_every_module_of_the_project_is_looked_at():
    names = set(modules(ROOT))
    assert {"wsgi", "caseq.cli", "caseq.rules.case", "caseq.web.push", "caseq.store.migrations.env"} <= names
    assert {"adapters.run", "adapters.sources.sql"} <= names


def test_every_place_in_the_picture_exists():
    names = modules(ROOT)
    assert [entry for row in ROWS for entry in row if entry not in names] == []


def test_no_library_is_allowed_where_nobody_uses_it():
    used = {(name, other.split(".")[0]) for name, other in edges(ROOT)}
    places = [(library, place) for library, places in LIBRARIES.items() for place in places]
    assert [
        (library, place)
        for library, place in places
        if not any(other == library and is_in(name, (place,)) for name, other in used)
    ] == []


PLANTED = {
    "a rule that reads the store": ("caseq/rules/x.py", "from caseq.store import tables"),
    "a rule that reads the settings": ("caseq/rules/x.py", "import caseq.settings"),
    "an import inside a function": ("caseq/rules/x.py", "def f():\n    from caseq.web import push\n"),
    "an import for types only": (
        "caseq/rules/x.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from caseq.runtime import Runtime\n",
    ),
    "a relative import upwards": ("caseq/rules/x.py", "from ..store import tables"),
    "a relative import of the whole package": ("caseq/rules/x.py", "from .. import runtime"),
    "a store that knows the settings": ("caseq/store/x.py", "from caseq.settings import Settings"),
    "a gateway that knows the store": ("caseq/sms/x.py", "from caseq.store.outbox import Job"),
    "an act that calls another": ("caseq/viewing.py", "from caseq import login"),
    "an act that knows the web": ("caseq/login.py", "from caseq.web.current import runtime"),
    "a page that builds the app": ("caseq/web/x.py", "from caseq.app import create_app"),
    "an app that starts the worker": ("caseq/app.py", "from caseq import worker"),
    "a runtime that knows an act": ("caseq/runtime.py", "from caseq import intake"),
    "errors that know rules": ("caseq/errors.py", "from caseq.rules import case"),
    "a module that nobody placed": ("caseq/helpers.py", "import json"),
    "SQL in an act": ("caseq/login.py", "from sqlalchemy import select"),
    "migrations in the web": ("caseq/web/x.py", "import alembic.command"),
    "Flask in an act": ("caseq/login.py", "from flask import request"),
    "Flask-Limiter in the store": ("caseq/store/x.py", "import flask_limiter"),
    "marshmallow in the rules": ("caseq/rules/x.py", "from marshmallow import Schema"),
    "marshmallow in the store": ("caseq/store/x.py", "import marshmallow"),
    "typesetting in the web": ("caseq/web/x.py", "import typst"),
    "the provider outside sms": ("caseq/texting.py", "from twilio.rest import Client"),
    "a network call in the rules": ("caseq/rules/x.py", "import requests"),
    "a rule that reads the clock": ("caseq/rules/x.py", "import time"),
    "a rule that throws dice": ("caseq/rules/x.py", "from random import choice"),
    "a library that nobody decided about": ("caseq/web/x.py", "import pandas"),
    "an adapter that reads the store": ("adapters/x.py", "from caseq.store import database"),
    "an adapter that reads other rules": ("adapters/sources/x.py", "from caseq.rules import case"),
    "an adapter that takes all the rules": ("adapters/x.py", "import caseq.rules"),
    "SQL in an adapter outside its sources": ("adapters/x.py", "import sqlalchemy"),
    "a service that needs an adapter": ("caseq/login.py", "from adapters import spool"),
}


@pytest.mark.parametrize(("file", "code"), PLANTED.values(), ids=PLANTED.keys())
def test_a_planted_violation_is_caught(tmp_path, file, code):
    plant(tmp_path, file, code)
    assert len(faults(tmp_path)) == 1


ALLOWED = {
    "a page that calls an act": ("caseq/web/x.py", "from caseq import login"),
    "a neighbour in the same package": ("caseq/rules/x.py", "from .case import Kind"),
    "the store behind an act": ("caseq/login.py", "def f():\n    from caseq.store import logins\n"),
    "an adapter that signs": ("adapters/x.py", "from caseq.rules import signing"),
    "the standard library": ("caseq/rules/x.py", "import json, decimal.foo"),
}


@pytest.mark.parametrize(("file", "code"), ALLOWED.values(), ids=ALLOWED.keys())
def test_what_the_picture_allows_is_not_caught(tmp_path, file, code):
    plant(tmp_path, file, code)
    assert faults(tmp_path) == []


def plant(root: Path, file: str, code: str) -> None:
    """A tree with the project's packages and one file of our own in it."""
    for name in ("rules/case", "rules/signing", "store/tables", "store/logins", "web/push", "login", "intake", "app"):
        path = root / "caseq" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name in ("caseq/worker.py", "caseq/runtime.py", "adapters/spool.py"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).touch()
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
