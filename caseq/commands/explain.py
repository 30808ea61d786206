"""`caseq policy explain`: what a role may see of an item, or what one party sees today, and why. No names in it."""

import os
import sys
from typing import TYPE_CHECKING

import click

from caseq.commands import configured, words
from caseq.rules.case import Kind, Role
from caseq.rules.explanation import ITEMS, SUBJECTS

if TYPE_CHECKING:
    from caseq.previewing import Explained
    from caseq.rules.disclosure import Rule
    from caseq.rules.explanation import Line


@click.command()
@click.argument("kind", required=False, type=click.Choice([word.value for word in Kind]), metavar="[KIND")
@click.argument("role", required=False, type=click.Choice([word.value for word in Role]), metavar="ROLE")
@click.argument("item", required=False, type=click.Choice([str(word) for word in ITEMS]), metavar="ITEM]")
@click.option("--subject", type=click.Choice(list(SUBJECTS)), help="Whom the item concerns.  [default: each of these]")
@click.option("--case", "case_number", metavar="NUMBER", help="Any number that the case has or had.")
@click.option("--party", metavar="KEY", help="The party's key in its case system (caseq access list).")
@click.option(
    "--item", "one_item", type=click.Choice([str(word) for word in ITEMS]), metavar="ITEM", help="This item only."
)
@click.option("--by", metavar="TEXT", help="Who looks. It goes into the audit.")
@click.option("--reason", metavar="TEXT", help="Why, in a few words. It goes into the audit.")
def explain(
    kind: str | None,
    role: str | None,
    item: str | None,
    subject: str | None,
    case_number: str | None,
    party: str | None,
    one_item: str | None,
    by: str | None,
    reason: str | None,
) -> None:
    """Why an item is shown or not: to a role (KIND ROLE ITEM), or to one party (--case, --party, --by, --reason)."""
    asked = [word.strip() for word in (case_number, party, by, reason) if word is not None and word.strip()]
    if kind is not None and role is not None and item is not None and not asked and one_item is None:
        _explain_role(Kind(kind), Role(role), item, subject)
    elif kind is None and subject is None and len(asked) == 4:
        _explain_person(*asked, item=one_item)
    else:
        raise click.UsageError("Give KIND ROLE ITEM, or --case, --party, --by and --reason that say something.")


def _explain_role(kind: Kind, role: Role, item: str, subject: str | None) -> None:
    from caseq.rules.explanation import of_item
    from caseq.settings.load import policy_of

    policy = policy_of(os.environ)
    click.echo(f"{kind} {role} {item}  ({policy.name})")
    can_differ = item in ITEMS[2:]
    for about in [subject] if subject else SUBJECTS if can_differ else ["whole"]:
        line = of_item(policy, kind, role, item, about)
        _echo_line(words.of(words.SUBJECTS, about) if can_differ else item, line)
        with_minor = of_item(policy, kind, role, item, about, narrowed=True)
        if with_minor.ground is not line.ground:
            click.echo(f"    例外 except: {words.of(words.HIDDEN, with_minor.ground)}")


def _explain_person(case_number: str, party: str, by: str, reason: str, *, item: str | None) -> None:
    from caseq import previewing, watching

    parts = configured.runtime()
    found = previewing.explain(parts, case_number, party, by, reason, item)
    if not found:
        click.echo(
            "No such party in a case that has or had this number; `caseq access list` shows who there is.", err=True
        )
        sys.exit(1)
    _warn_of(watching.wall_state(parts))
    for one in found:
        _echo_entry(one)
        for line in one.whole:
            _echo_line(line.item, line)
        for step in one.steps:
            _echo_line(f"{step.line.item} {step.key} ({words.of(words.SUBJECTS, step.line.subject)})", step.line)
            if step.hidden_until is not None:
                until = words.until(step.hidden_until)
                click.echo(f"    保留 hold: {until}; {step.hold_reason or '-'}")


def _warn_of(wall: str | None) -> None:
    if wall in (None, "ok"):
        return
    click.echo(f"注意 attention: the second wall in PostgreSQL {wall}", err=True)
    click.echo("以下按现行规则说明，页面可能不同 what follows is by the policy in force; the page may differ", err=True)


def _echo_entry(one: "Explained") -> None:
    click.echo(f"{one.case_number} {one.source} {one.kind} {one.role} {one.subject or '-'}")
    if one.closed:
        click.echo("不能进入，以下均不显示 does not enter, nothing of this is shown:")
        for ground in one.closed:
            click.echo(f"  - {words.of(words.CLOSED, ground)}")
    else:
        click.echo("可以进入 enters")
    if not one.has_number:
        click.echo("没有可用的手机号，收不到验证码 no usable mobile number: no code can reach this party")


def _echo_line(title: str, line: "Line") -> None:
    if line.ground is not None:
        click.echo(f"- {title}: 不显示 not shown: {words.of(words.HIDDEN, line.ground)}{_by(line.rule)}")
        return
    click.echo(f"+ {title}: 显示 shown{_by(line.rule)}")
    for label, fields in (
        ("显示的字段 fields shown", line.shown),
        ("规则公开、没有内容 opened by the rule, without a value", line.empty),
        ("不显示（规则没有列出） not shown, the rule does not name them", line.closed),
    ):
        if fields:
            click.echo(f"    {label}: {', '.join(fields)}")


def _by(rule: "Rule | None") -> str:
    if rule is None:
        return ""
    why = "".join(f"; {text}" for text in rule.reason.values())
    return f"  [{rule.clause}; {rule.scope}{why}]"
