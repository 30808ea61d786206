"""The provider of the tests: a program that behaves like Twilio, faults included, which this project did not write."""

import importlib.util
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.service import SHARED

PROGRAM = SHARED / "twilio" / "fake_twilio.py"


@pytest.fixture(scope="session")
def fake_twilio_module() -> Any:
    if not PROGRAM.exists():
        pytest.skip(f"no {PROGRAM.name} beside the project")
    spec = importlib.util.spec_from_file_location("fake_twilio", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fake_twilio"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def twilio(fake_twilio_module: Any) -> Iterator[Any]:
    """The fake provider: `.sent(to)`, `.faults`, `.requests`."""
    with fake_twilio_module.FakeTwilio() as running:
        yield running
