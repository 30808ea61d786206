"""`caseq link`: a link as a regional system would make it, for tests."""

import secrets
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from caseq.commands import configured

if TYPE_CHECKING:
    from caseq.rules.linkkeys import SigningKey
    from caseq.settings import Region


@click.command()
@click.option("--region", "name", required=True, help="A region of config/regions.toml.")
@click.option("--case", "case_number", required=True, help="The case number that the page will be filled in with.")
@click.option("--return-url", help="Where the way back leads; the page offers it only if the region's list has it.")
@click.option(
    "--key",
    "file",
    required=True,
    metavar="PRIVATE.pem",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The region's private key (PEM, no password); its public half must be in the region's JWKS file.",
)
def link(name: str, case_number: str, return_url: str | None, file: Path) -> None:
    """Print a link from a regional system; it works for two minutes, once."""
    from caseq.rules import linkkeys

    settings = configured.settings()
    region = settings.regions.get(name)
    if region is None:
        _end(f"config/regions.toml has no {name}; it has: {', '.join(settings.regions) or 'none'}")
    key = linkkeys.signing_key(file.read_bytes())
    if key is None:
        _end(f"{file}: must be an Ed25519 or P-256 private key in PEM, without a password")
    claims: dict[str, object] = {"case_number": case_number}
    if return_url is not None:
        claims["return_url"] = return_url
    base = settings.public_url or "http://127.0.0.1:8000"
    click.echo(f"{base}/from/{name}?token={_token(region, key, claims)}")


def _token(region: "Region", key: "SigningKey", more: dict[str, object]) -> str:
    from caseq.rules import linkkeys, linktoken
    from caseq.settings.jwksfile import read_jwks

    keys = read_jwks(region.jwks, region.algorithms)
    kid = linkkeys.name_of(key, keys)
    if kid is None:
        _end(f"{region.jwks}: the public half of this key is not in it")
    now = int(time.time())
    claims = {
        "iss": region.issuer,
        "aud": region.audience,
        "iat": now,
        "exp": now + linktoken.LIFE_SECONDS,
        "jti": secrets.token_urlsafe(16),
    }
    return linktoken.sign({**claims, **more}, key, min(keys[kid].algorithms), kid)


def _end(reason: str) -> NoReturn:
    click.echo(reason, err=True)
    sys.exit(1)
