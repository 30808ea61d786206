"""`caseq policy sql`: the second wall, in PostgreSQL."""

import click

from caseq.commands import configured


@click.command()
@click.option("--role", metavar="NAME", help="The role that reads.  [default: that of CASEQ_QUERY_DATABASE_URL]")
@click.option("--apply", "is_applied", is_flag=True, help="Run it in the database of CASEQ_DATABASE_URL.")
def sql(role: str | None, is_applied: bool) -> None:
    """Print the SQL that makes a PostgreSQL role which reads only what the policy in force shows; or run it.

    To be run again after every change of the policy and every upgrade; `caseq check` says when that is.
    """
    from caseq.store import wall

    parts = configured.runtime()
    settings = parts.settings
    named = parts.behind_wall.url.username if parts.behind_wall else None
    role = (named or wall.ROLE) if role is None else role
    statements = wall.sql(settings.policy, settings.login.session_idle, role)
    if not is_applied:
        click.echo(f"BEGIN;\n{statements}COMMIT;")
        return
    wall.apply(parts.database, statements)
    click.echo(f"The wall of policy {settings.policy.name} stands before role {role}.")
