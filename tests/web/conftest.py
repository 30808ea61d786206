"""Services with other settings than the shipped ones."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from tests.service import Service
from tests.service import service as build_service

UNLIMITED = dict.fromkeys(("ask_code", "enter_code", "open_link", "push", "speak"), "1000000 per hour")


@pytest.fixture
def service_with(database_url, tmp_path, clock):
    """Makes a service with other variables of the environment, or other rate limits."""
    made: list[Service] = []

    def build(limits=None, **environ):
        service = build_service(database_url, tmp_path, clock, **environ)
        if limits:
            settings = service.runtime.settings
            settings = replace(settings, limits=replace(settings.limits, **limits))
            service.runtime = replace(service.runtime, settings=settings)
        made.append(service)
        return service

    yield build
    for service in made:
        service.runtime.database.close()


@pytest.fixture
def unlimited(service_with):
    """A service that counts no requests."""
    return service_with(limits=UNLIMITED)


@pytest.fixture
def logged():
    """The log lines. Where a test makes the service log an exception this must be there: structlog's own default
    prints every local variable of every frame, for minutes."""
    with capture_logs() as lines:
        yield lines
