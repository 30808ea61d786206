"""A folder for files that cross an air gap."""

import pytest
from structlog.testing import capture_logs

from tests.pushfiles import Inbox


@pytest.fixture
def inbox(service, tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return Inbox(folder, service.runtime)


@pytest.fixture
def logged():
    """The log lines."""
    with capture_logs() as lines:
        yield lines
