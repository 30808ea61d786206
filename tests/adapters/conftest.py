"""The fixtures of the adapter's tests."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from caseq.demo import casesystem
from tests.adapters.bench import GIVEN_SYSTEM, NOW, Adapter, Source, make_empty
from tests.adapters.peer import Peer, running_peer


@pytest.fixture
def peer() -> Iterator[Peer]:
    with running_peer() as running:
        yield running


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A case system with units and no cases."""
    return make_empty(tmp_path / "source.db")


@pytest.fixture
def adapter(source: Source, peer: Peer, tmp_path: Path) -> Adapter:
    return Adapter(source.url, peer, tmp_path / "state" / "adapter.db")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "out"
    found.mkdir()
    return found


@pytest.fixture
def gapped(adapter: Adapter, folder: Path) -> Adapter:
    """An adapter that writes files."""
    adapter.folder = folder
    return adapter


@pytest.fixture(scope="session")
def given_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case system made by the program the project was given, in place."""
    if not GIVEN_SYSTEM.exists():
        pytest.skip(f"{GIVEN_SYSTEM} is not there")
    path = tmp_path_factory.mktemp("given") / "b_asj.db"
    command = [sys.executable, str(GIVEN_SYSTEM), "new", "--out", str(path), "--cases", "150", "--seed", "7"]
    subprocess.run(command, check=True, capture_output=True)
    return path


@pytest.fixture(scope="session")
def own_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case system made by the project's own generator."""
    path = tmp_path_factory.mktemp("own") / "own.db"
    casesystem.create(path, 150, 3, NOW)
    return path


@pytest.fixture(params=["given", "own"])
def filled(request: pytest.FixtureRequest, source: Source) -> Source:
    """A copy of a full case system: the given one, and the project's own."""
    path: Path = request.getfixturevalue(f"{request.param}_file")
    source.path.write_bytes(path.read_bytes())
    return source
