"""What a command starts from: the settings, or the parts built of them; faults are told, and the command ends."""

import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from caseq.errors import ConfigurationError
    from caseq.rules.disclosure import Policy
    from caseq.runtime import Runtime
    from caseq.settings import Settings


def settings() -> "Settings":
    """The settings, or every fault on stderr and exit code 1."""
    from caseq.errors import ConfigurationError
    from caseq.settings import load

    try:
        return load(os.environ)
    except ConfigurationError as error:
        _end(error)


def policy(file: str | None = None) -> "Policy":
    """The policy in force, or the rules of `file`, a path or a name in config/disclosure; needs no secret.

    Every fault on stderr and exit code 1.
    """
    from caseq.errors import ConfigurationError
    from caseq.settings import policy_of
    from caseq.settings.candidates import rules_of

    try:
        return policy_of(os.environ) if file is None else rules_of(os.environ, file)
    except ConfigurationError as error:
        _end(error)


def runtime() -> "Runtime":
    """The parts of the service, built of the settings; exit code 1 as in `settings`."""
    from caseq import runtime

    return runtime.build(settings())


def _end(error: "ConfigurationError") -> NoReturn:
    for fault in error.faults:
        click.echo(str(fault), err=True)
    sys.exit(1)
