"""The wheel: built from the sdist, whole, and working from any folder without the checkout and without a network."""

import os
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.service import ROOT, environment

pytestmark = pytest.mark.slow

SHIPPED = {"templates": "caseq/shipped/templates", "config": "caseq/shipped/config", "bench": "caseq/shipped/bench"}
PACKAGES = {"caseq": "caseq", "adapters": "adapters"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The path of a wheel that was built from an sdist, as `make wheel` builds it."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of the programs of an environment with the wheel, and with the libraries of this one."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", "--quiet"]
    subprocess.run([*pip, str(wheel)], check=True, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text("\n".join(site.getsitepackages()))
    return folder / "bin"


@pytest.fixture
def run(installed, tmp_path):
    """Runs a program of the environment in an empty folder."""
    environ = {
        **environment(f"sqlite:///{tmp_path / 'caseq.db'}", tmp_path),
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
    }
    (tmp_path / "elsewhere").mkdir()

    def invoke(program, *arguments):
        return subprocess.run(
            [str(installed / program), *arguments],
            cwd=tmp_path / "elsewhere",
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return invoke


def expected() -> set[str]:
    """Every file of the checkout that a wheel must hold, under its name there."""
    return {
        f"{inside}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, inside in {**SHIPPED, **PACKAGES}.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_every_file_of_the_project_and_no_other(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == expected()


def test_the_wheel_holds_what_a_list_of_python_files_would_miss(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for part in (
        "caseq/shipped/templates/layout.html",
        "caseq/shipped/config/caseq.toml",
        "caseq/shipped/config/disclosure/yongning-2017.toml",
        "caseq/shipped/config/adapters/b_asj.toml",
        "caseq/shipped/bench/__main__.py",
        "caseq/store/migrations/script.py.mako",
        "caseq/web/static/caseq.css",
        "caseq/web/translations/en.po",
    ):
        assert part in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_it_is_the_wheel_that_runs_and_not_the_checkout(run, installed):
    where = "import caseq, adapters; print(caseq.__file__, adapters.__file__)"
    found = run("python", "-c", where).stdout.split()
    assert found
    assert all(path.startswith(str(installed.parent)) for path in found)


def test_the_commands_work_from_any_folder(run):
    upgraded = run("caseq", "upgrade")
    assert (upgraded.returncode, upgraded.stderr) == (0, "")
    checked = run("caseq", "check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "policy yongning-2017" in checked.stdout
    shown = run("caseq", "policy", "show")
    assert shown.returncode == 0
    assert "四(二)3(1)" in shown.stdout
    assert run("caseq", "--version").stdout.strip().endswith("0.1.0")
    assert run("caseq-adapter", "--help").returncode == 0
    assert run("caseq", "bench", "--help").returncode == 0
    assert run("caseq", "demo", "--help").returncode == 0


def test_pages_styles_and_translations_are_found(run):
    run("caseq", "upgrade")
    script = """
from caseq.app import from_environment
client = from_environment().test_client()
paths = ("/", "/?lang=en", "/help", "/what-you-can-see", "/static/caseq.css", "/static/caseq.js", "/api/openapi.json")
for path in paths:
    print(client.get(path).status_code)
print("Case number" in client.get("/?lang=en").get_data(as_text=True))
"""
    assert run("python", "-c", script).stdout.split() == ["200"] * 7 + ["True"]


def test_nothing_is_written_where_the_program_is_started(run, tmp_path):
    run("caseq", "upgrade")
    run("caseq", "policy", "show")
    assert list(Path(tmp_path / "elsewhere").iterdir()) == []
