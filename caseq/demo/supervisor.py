"""`caseq demo`: a synthetic case system, service, worker and adapter as one command on this machine."""

import base64
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import requests
from rich import box
from rich.console import Console
from rich.table import Table

from caseq import runtime
from caseq.demo import casesystem, colleagues, extras, promptly, ways
from caseq.demo.casesystem import Person
from caseq.demo.colleagues import Colleague
from caseq.demo.ways import Codes
from caseq.rules import signing
from caseq.rules.case import Role, bureau_date
from caseq.settings import load, shipped
from caseq.sms.file_sms import FileGateway
from caseq.store import schema

SEED = 7
MARK = "made-by-caseq-demo"
#: The synthetic history ends so long ago that nothing in it is news: the telephones are quiet at first.
HISTORY_ENDED = timedelta(days=40)
#: What is formed since then waits for the bureau's people: all that the demo pushes on top of the history.
HELD_UP = timedelta(days=30)
SOURCES = ("criminal", "administrative", "trade")
START_SECONDS = 120
MOST_RESTARTS = 5
#: Every change of the demo is a new measure: detention, arrest, bail, residential surveillance, and again.
NEXT_MEASURE = {"04": "05", "05": "02", "02": "03", "03": "04"}
NOT_ONLINE = (Role.APPLICANT, Role.PETITIONER, Role.REGULATED_PARTY)


@dataclass
class Child:
    """One process of the demo, started again when it dies."""

    name: str
    command: list[str]
    environ: Mapping[str, str]
    log: Path
    restarts: int = 0
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", *self.command], env={**os.environ, **self.environ}, stdout=out, stderr=out
            )

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()


def run(folder: Path, port: int, cases: int) -> int:
    """Run the demo until Ctrl-C; the exit code. `folder` is made anew every time."""
    console = Console()
    folder = folder.resolve()
    if not _make_anew(folder):
        console.print(f"{folder} is not a folder of an earlier demo; choose another one with --dir.")
        return 1
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    environ = _environment(folder, port)
    children = _children(folder, port, environ)
    try:
        return _run(console, folder, port, cases, environ, children, stopping)
    finally:
        for child in reversed(children):
            if hasattr(child, "process"):
                child.stop()
        console.print("Everything is stopped.")


def _run(
    console: Console,
    folder: Path,
    port: int,
    cases: int,
    environ: Mapping[str, str],
    children: list[Child],
    stopping: threading.Event,
) -> int:
    console.print(f"Making a synthetic case system of {cases} cases …")
    casesystem.create(folder / "casesystem.db", cases, SEED, datetime.now(UTC) - HISTORY_ENDED)
    parts = runtime.build(load(environ))
    schema.upgrade(parts.database)
    parts.database.close()
    console.print("Starting service, worker and adapter …")
    for child in children:
        child.start()
    service = f"http://127.0.0.1:{port}"
    if not _wait(console, service, environ, children, stopping):
        return 0 if stopping.is_set() else 1
    people = casesystem.show_people(folder / "casesystem.db")
    people += extras.push(service, _keys(environ), folder / "casesystem.db", people)
    extras.push_waiting(service, _keys(environ), folder / "casesystem.db", people)
    _print_colleagues(console, service, colleagues.hire(environ, people[0].case_number))
    _print_people(console, service, folder, people, ways.make(environ, people))
    return _watch(console, folder, children, stopping)


def _make_anew(folder: Path) -> bool:
    """An empty folder with our mark; False if it holds something that no demo made."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            return False
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
    config = promptly.copied(shipped("config"), folder / "config")
    promptly.with_a_queue(config, bureau_date(datetime.now(UTC) - HELD_UP))
    return True


def _environment(folder: Path, port: int) -> dict[str, str]:
    """Fresh secrets and the addresses of this demo."""
    keys = {
        f"CASEQ_PUSH_KEY_{source.upper()}": signing.KEY_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
        for source in SOURCES
    }
    return {
        **keys,
        "CASEQ_SECRET_KEY": secrets.token_hex(32),
        "CASEQ_DATABASE_URL": f"sqlite:///{folder / 'caseq.db'}",
        "CASEQ_SMS_FILE": str(folder / "messages.jsonl"),
        "CASEQ_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CASEQ_DEMO": "1",
        "CASEQ_CONFIG_DIR": str(folder / "config"),
        "CASEQ_ADAPTER_STATE": str(folder / "adapter.db"),
        "CASEQ_ADAPTER_SOURCE_URL": f"sqlite:///{folder / 'casesystem.db'}",
        "CASEQ_ADAPTER_SERVICE_URL": f"http://127.0.0.1:{port}",
    }


def _keys(environ: Mapping[str, str]) -> dict[str, str]:
    return {source: environ[f"CASEQ_PUSH_KEY_{source.upper()}"] for source in SOURCES}


def _children(folder: Path, port: int, environ: Mapping[str, str]) -> list[Child]:
    mapping = str(folder / "config" / "adapters" / "b_asj.toml")
    commands = {
        "service": ["caseq.cli", "serve", "--bind", f"127.0.0.1:{port}"],
        "worker": ["caseq.cli", "worker"],
        "adapter": ["adapters.run", "run", mapping],
    }
    return [Child(name, command, environ, folder / f"{name}.log") for name, command in commands.items()]


def _wait(
    console: Console, service: str, environ: Mapping[str, str], children: list[Child], stopping: threading.Event
) -> bool:
    """Wait until the service is ready and holds what the adapter brought; False if that does not happen."""
    until = time.monotonic() + START_SECONDS
    held, quiet = -1, 0
    with console.status("Pushing the cases …") as status:
        while time.monotonic() < until and not stopping.wait(0.5):
            dead = next((child for child in children if child.process.poll() is not None), None)
            if dead is not None:
                console.print(f"The {dead.name} ended at once; its words are in {dead.log}.")
                return False
            now_held = _held(service, environ)
            quiet = quiet + 1 if now_held == held and held > 0 else 0
            held = now_held
            status.update(f"Pushing the cases … {max(held, 0)} records are in the service")
            if quiet >= 4:
                console.print(f"The service holds {held} records.")
                return True
    if not stopping.is_set():
        console.print(f"The service was not ready within {START_SECONDS} seconds.")
    return False


def _held(service: str, environ: Mapping[str, str]) -> int:
    """How many records the service holds, -1 while it does not answer."""
    total = 0
    for source, key in _keys(environ).items():
        headers = signing.headers(key, f"demo_{secrets.token_hex(8)}", int(time.time()), b"")
        try:
            answer = requests.get(f"{service}/push/v1/{source}/checkpoint", headers=headers, timeout=5)
            total += sum(answer.json()["records"].values())
        except (requests.RequestException, KeyError, ValueError):
            return -1
    return total


def _print_people(
    console: Console, service: str, folder: Path, people: list[Person], codes: Mapping[Person, Codes]
) -> None:
    table = Table(title="Who can log in, and what to type", box=box.SIMPLE, padding=(0, 1, 0, 0))
    for column in ("role", "case number", "phone for SMS", "or paper code"):
        table.add_column(column, no_wrap=True)
    in_order = sorted(people, key=lambda person: (person.kind, list(Role).index(Role(person.role))))
    for kind, persons in groupby(in_order, key=lambda person: person.kind):
        table.add_row(f"[bold]{kind}[/bold]")
        for person in persons:
            table.add_row(f"  {person.role}", person.case_number, person.phone, _paper(codes, person))
    console.print(table)
    console.print(f"Never online, told by notice: {', '.join(role.value for role in NOT_ONLINE)}")
    for person, own in codes.items():
        if own.app_secret:
            app = f"Authenticator of the {person.kind} victim (8 digits, every 30 s): secret {own.app_secret}"
            console.print(app, highlight=False, soft_wrap=True)
    console.print(f"Log in:       {service}/", highlight=False)
    console.print(f"The phone:    {service}/demo/messages (and below, as messages come)", highlight=False)
    console.print(f"Logs:         {folder}", highlight=False, soft_wrap=True)
    console.print("A change:     type `.venv/bin/caseq demo --change` in another terminal")
    console.print("Stop:         Ctrl-C\n")


def _print_colleagues(console: Console, service: str, made: Sequence[Colleague]) -> None:
    table = Table(title="Who works at the bureau, and how to sign in", box=box.SIMPLE, padding=(0, 1, 0, 0))
    for column in ("role", "badge", "password"):
        table.add_column(column, no_wrap=True)
    for one in made:
        table.add_row(one.role, one.badge, one.password)
    console.print(table)
    console.print(f"The console:  {service}/staff", highlight=False)
    console.print(f"Their apps:   {service}/demo/staff (8 digits, each good for one sign-in)\n", highlight=False)


def _paper(codes: Mapping[Person, Codes], person: Person) -> str:
    return codes[person].paper if person in codes else "-"


def _watch(console: Console, folder: Path, children: list[Child], stopping: threading.Event) -> int:
    """Show messages as they come and start again what dies, until stopped."""
    gateway = FileGateway(folder / "messages.jsonl")
    shown = len(gateway.messages())
    while not stopping.wait(0.5):
        messages = gateway.messages()
        for message in messages[shown:]:
            line = f"SMS to {message['to']}: {message['text']}"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        shown = len(messages)
        for child in children:
            if child.process.poll() is None:
                continue
            child.restarts += 1
            if child.restarts > MOST_RESTARTS:
                console.print(f"The {child.name} keeps ending; its words are in {child.log}.")
                return 1
            console.print(f"The {child.name} ended and is started again.")
            child.start()
    return 0


def change(folder: Path) -> str | None:
    """Change one row in the case system of the demo in this folder; what was done, in words, None if there is none."""
    path = folder / "casesystem.db"
    if not path.exists():
        return None
    victim = next(person for person in casesystem.show_people(path) if person.role == Role.VICTIM)
    with closing(sqlite3.connect(path)) as database:
        found = database.execute(
            "SELECT CS FROM B_ASJ_XYRDJ WHERE AJBH = ? ORDER BY SYSTEMID", (victim.case_number,)
        ).fetchone()
    casesystem.impose_measure(path, victim.case_number, datetime.now(UTC), NEXT_MEASURE.get(found[0], "04"))
    return (
        f"A measure was entered in the case system for case {victim.case_number}. Within 15 seconds the victim "
        f"({victim.phone}), and whoever else may see it, gets an SMS."
    )
