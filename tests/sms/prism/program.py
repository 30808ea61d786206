"""Prism, a program that checks requests and answers against an OpenAPI document, and Twilio's document for it.

Both come from the npm registry, pinned by version and hash, once into a folder that all runs share. Prism 5.14.2 is the
last that runs with Node.js 18 and 20, which Debian has; the next one needs 24. After a change of package.json,
`npm install --package-lock-only` in this folder makes the lock file anew, without the address of a registry.
"""

import base64
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
#: The package of Twilio's command line that holds its OpenAPI document, and the hash of its archive.
PACKAGE = "@twilio/cli-core@9.0.0"
INTEGRITY = "sha512-FPHm5gXAUwM2oATmQi3AGYPFz4Urg5G5/vDkpUu5WqNuwueQaS93HwXjdX1OM+miuq0LMimdfbXDTLEp4Nsjfg=="
MEMBER = "package/src/services/twilio-api/twilio_api_v2010.json"
DOCUMENT = "twilio_api_v2010.json"
PRISM = "node_modules/@stoplight/prism-cli/dist/index.js"
START_SECONDS, FETCH_SECONDS, NPM_SECONDS = 60, 60, 900
#: npm's words for a registry that is not there, not reached, or does not give the package.
UNREACHABLE = re.compile(
    r"npm (?:error|ERR!) code (ENOTFOUND|EAI_\w+|ECONN\w+|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT"
    r"|E[45]\d\d|\w*CERT\w*)"
)


def fetched(cache: Path) -> Path:
    """The folder with Prism and the document, filled by whoever comes first; a test without it is skipped."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            pytest.skip(f"no {program} on this machine: Prism cannot check what is said to Twilio")
    lock = (HERE / "package-lock.json").read_bytes()
    folder = cache / hashlib.sha256(lock + INTEGRITY.encode()).hexdigest()[:16]
    with (cache / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            _fetch(folder)
            (folder / "complete").touch()
    return folder


def _fetch(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, folder)
    _npm(folder, "pack", PACKAGE)
    (path,) = folder.glob("*.tgz")
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    assert f"sha512-{digest}" == INTEGRITY, f"{PACKAGE} is not what it was when it was pinned"
    with tarfile.open(path) as whole:
        member = whole.extractfile(MEMBER)
        assert member is not None
        (folder / DOCUMENT).write_bytes(member.read())
    path.unlink()
    # Last: without a network one package is given up sooner than two hundred.
    _npm(folder, "ci")


def _npm(folder: Path, *arguments: str) -> str:
    """What npm prints; a registry that cannot be reached skips the test, whatever else goes wrong fails it."""
    limits = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", f"--fetch-timeout={FETCH_SECONDS}000"]
    done = subprocess.run(
        ["npm", *arguments, "--loglevel=error", *limits],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=NPM_SECONDS,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode and (found := UNREACHABLE.search(done.stderr)):
        pytest.skip(f"the npm registry does not give what Prism needs: {found.group(1)}")
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def prism(folder: Path, log: Path, *arguments: Any) -> Iterator[str]:
    """The address of a Prism that was started with these arguments; it ends with the block."""
    command = ["node", str(folder / PRISM), *map(str, arguments), "--errors", "--multiprocess=false"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--host=127.0.0.1", "--port=0"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "FORCE_COLOR": "0"},
        )
    try:
        yield _address(process, log)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where Prism listens, as soon as it says so: it takes a free port by itself."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"listening on (http://127\.0\.0\.1:\d+)", log.read_text(errors="replace")):
            return found.group(1)
        time.sleep(0.1)
    raise AssertionError(f"Prism did not start:\n{log.read_text(errors='replace')}")
