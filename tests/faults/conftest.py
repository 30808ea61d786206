"""What the fault tests share with the walks: the whole system of processes, and a provider."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fake_twilio import fake_twilio_module, twilio
from tests.faults import rough
from tests.service import Service
from tests.service import service as build_service

__all__ = ["fake_twilio_module", "twilio"]

SEED = int(os.environ.get("CASEQ_TEST_SEED", "20"))


@pytest.fixture
def rough_twilio(fake_twilio_module: Any) -> Iterator[Any]:
    with rough.provider(fake_twilio_module, SEED) as running:
        yield running


@pytest.fixture
def service_now(database_url: str, tmp_path: Path) -> Iterator[Service]:
    built = build_service(database_url, tmp_path, rough.RealTime())
    yield built
    built.runtime.database.close()
