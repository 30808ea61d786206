"""The command line. Everything heavy is imported inside the command that needs it."""

import json
import os
import sys
from pathlib import Path

import click

from caseq.commands import configured
from caseq.commands.access import access
from caseq.commands.audit import audit
from caseq.commands.codes import codes
from caseq.commands.keys import keys
from caseq.commands.link import link
from caseq.commands.messages import messages
from caseq.commands.notice import notice
from caseq.commands.policy import policy
from caseq.commands.proof import proof
from caseq.commands.report import report
from caseq.commands.staff import staff
from caseq.commands.tasks import tasks


class _Commands(click.Group):
    """Commands whose refusals are one line and exit code 1, not a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        from caseq.errors import CaseqError, DatabaseUnavailable

        try:
            return super().invoke(ctx)
        except DatabaseUnavailable as error:
            click.echo(f"database: {error}. Is it there, and migrated (caseq upgrade)?", err=True)
        except BrokenPipeError:
            raise  # whoever read our lines has enough of them: click ends without a word
        except (CaseqError, OSError) as error:
            click.echo(str(error), err=True)
        sys.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="caseq")
def main() -> None:
    """Case status for the people the law names."""


@main.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, metavar="HOST:PORT", help="Where to listen.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes that answer.")
def serve(bind: str, workers: int) -> None:
    """Serve web pages, JSON API and push API."""
    from caseq import serving

    host, _, port = bind.rpartition(":")
    if not host or not port.isdigit():
        raise click.BadParameter("must be HOST:PORT", param_hint="--bind")
    configured.settings()
    if not serving.is_free(host.strip("[]"), int(port)):
        click.echo(f"{bind} is taken, or is no address of this machine.", err=True)
        sys.exit(1)
    serving.serve(host.strip("[]"), int(port), workers)


@main.command()
def worker() -> None:
    """Send what waits in the outbox, until SIGTERM."""
    from caseq import logs
    from caseq import runtime as runtimes
    from caseq import worker as background

    runtime = configured.runtime()
    if not runtime.gateways:
        click.echo("environment: set CASEQ_ALIYUN_… or CASEQ_TWILIO_… (or CASEQ_SMS_FILE for development)", err=True)
        sys.exit(1)
    logs.configure()
    background.run(runtime, runtimes.router(runtime))


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--watch", is_flag=True, help="Look again and again, until SIGTERM or Ctrl-C.")
@click.option("--every", default=30, show_default=True, type=click.FloatRange(0.1), help="Seconds between two looks.")
def receive(folder: Path, watch: bool, every: float) -> None:
    """Take in the signed push files in DIR; exit 1 if one was refused or any is missing."""
    from caseq import logs, receiver

    runtime = configured.runtime()
    logs.configure()
    sys.exit(0 if receiver.run(runtime, folder, click.echo, every if watch else None) else 1)


@main.command()
def upgrade() -> None:
    """Migrate the database to the newest schema."""
    from caseq.errors import SchemaUnknown
    from caseq.store import schema

    runtime = configured.runtime()
    try:
        schema.upgrade(runtime.database)
    except SchemaUnknown as unknown:
        raise click.ClickException(
            f"The database has the schema {unknown}, which this release does not know: a newer caseq was here. "
            "Nothing was changed. Install that release again, or restore the backup made before its upgrade."
        ) from None
    click.echo(f"The database has the newest schema, {schema.newest_revision()}.")


@main.command()
@click.option("--contacts", "with_contacts", is_flag=True, help="Also look at every party's contact (slow).")
def check(with_contacts: bool) -> None:
    """Check config/, the environment and the database; exit 1 if anything is wrong."""
    from caseq import printing, watching
    from caseq.commands.keys import tell_contacts
    from caseq.settings.policycheck import policy_faults

    runtime = configured.runtime()
    settings = runtime.settings
    click.echo(f"config: policy {settings.policy.name}, {len(settings.policy.rules)} rules")
    found = policy_faults(os.environ)
    for fault in found:
        click.echo(str(fault), err=True)
    faults = len(found)
    connected = [source.name for source in settings.sources.values() if source.keys]
    click.echo(f"sources with a key: {', '.join(connected) or 'none'}")
    click.echo(f"sources in shadow: {', '.join(sorted(settings.policy.shadow)) or 'none'}")
    click.echo(f"printing: {printing.state()}")
    click.echo(f"public holidays: {watching.holidays_state(runtime)}")
    regions = [f"{name} ({len(file.keys())} keys)" for name, file in runtime.link_keys.items()]
    click.echo(f"regional systems: {', '.join(regions) or 'none'}")
    if not runtime.gateways:
        click.echo("environment: no SMS gateway: set CASEQ_ALIYUN_… or CASEQ_TWILIO_… or CASEQ_SMS_FILE", err=True)
        faults += 1
    for part, state in watching.readiness(runtime).items():
        if part != "worker":
            click.echo(f"{part}: {state}", err=state != "ok")
            faults += state != "ok"
    if with_contacts:
        faults += tell_contacts(runtime)
    sys.exit(1 if faults else 0)


main.add_command(policy)
main.add_command(access)
main.add_command(codes)
main.add_command(notice)
main.add_command(link)
main.add_command(keys)
main.add_command(messages)
main.add_command(tasks)
main.add_command(audit)
main.add_command(proof)
main.add_command(report)
main.add_command(staff)


@main.group()
def quarantine() -> None:
    """Pushed events that were refused; they stay until a retry succeeds."""


@quarantine.command("list")
def list_quarantine() -> None:
    """One line for each refused event."""
    from caseq import quarantine as acts

    for item in acts.waiting(configured.runtime()):
        reasons = "; ".join(f"{field}: {' '.join(said)}" for field, said in item.errors.items())
        click.echo(f"{item.id}\t{item.source}\t{item.received_at.isoformat()}\t{item.event_id or '-'}\t{reasons}")


@quarantine.command("show")
@click.argument("number", type=int)
def show_quarantine(number: int) -> None:
    """The whole event, with personal data, and what is wrong with it."""
    from caseq import quarantine as acts

    found = acts.waiting(configured.runtime(), [number])
    if not found:
        click.echo(f"Nothing in quarantine has the number {number}.", err=True)
        sys.exit(1)
    item = found[0]
    click.echo(json.dumps({"errors": item.errors, "event": item.raw}, ensure_ascii=False, indent=2))


@quarantine.command("retry")
@click.argument("numbers", type=int, nargs=-1)
def retry_quarantine(numbers: tuple[int, ...]) -> None:
    """Take the refused events with these numbers (all, if none is given) in once more."""
    from caseq import intake
    from caseq import quarantine as acts
    from caseq.web.schemas import errors_of

    runtime = configured.runtime()
    refused = 0
    for item in acts.waiting(runtime, numbers):
        source = runtime.settings.sources.get(item.source)
        if source is None:
            click.echo(f"{item.id}\trefused\tno source is called {item.source}")
            refused += 1
            continue
        pushed = intake.Pushed(item.raw, errors_of(item.raw, source.name))
        result = intake.take_again(runtime, source, [pushed], f"retry {item.id}")[0]
        refused += result.outcome == "refused"
        click.echo(f"{item.id}\t{result.outcome}\t{json.dumps(result.errors, ensure_ascii=False)}")
    sys.exit(1 if refused else 0)


@main.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--cases", default=1000, show_default=True, type=click.IntRange(10, 100_000))
@click.option("--dir", "folder", default="var/demo", show_default=True, type=click.Path(path_type=Path))
@click.option("--change", is_flag=True, help="Change a row in the case system of the demo that runs, and end.")
def demo(port: int, cases: int, folder: Path, change: bool) -> None:
    """A whole service with a synthetic case system, on this machine only. Ctrl-C stops all of it."""
    from caseq import serving
    from caseq.demo import supervisor

    if change:
        done = supervisor.change(folder)
        click.echo(done or f"No demo runs in {folder}.", err=done is None)
        sys.exit(0 if done else 1)
    if not serving.is_free("127.0.0.1", port):
        click.echo(f"Port {port} is taken; end what runs there, or choose another one with --port.", err=True)
        sys.exit(1)
    sys.exit(supervisor.run(folder, port, cases))


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def bench(options: tuple[str, ...]) -> None:
    """Measure against the reference programs in bench/, side by side; prints ratios. --help lists the options."""
    import runpy

    from caseq.settings import shipped

    sys.argv = ["caseq bench", *options]
    sys.path.insert(0, str(shipped("bench").parent))
    runpy.run_module("bench", run_name="__main__")


if __name__ == "__main__":
    main()
