"""An SMS that changes nothing on the page would tell of somebody whom the page does not show."""

from typing import Any

import pytest

from tests.proof import values
from tests.service import Service, case, event, milestone, party


def measure(key: str, subject: str | None, **more: Any) -> dict[str, Any]:
    return event("milestone", milestone("compulsory_measure", key, subject=subject, **{**SAME, **more}))


SAME = {"occurred_on": "2026-11-21", "details": {"measure": "arrest", "action": "imposed"}}


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(measure("M1", "S1"), id="another suspect"),
        pytest.param(measure("M1", None), id="the whole case"),
        pytest.param(measure("M1", "S1", tell_first=True), id="another suspect, told in person"),
    ],
)
@pytest.mark.parametrize("subject", ["S2", None])
def test_what_reads_like_something_on_the_page_is_no_news(
    service: Service, known: dict[str, Any], subject: str | None
) -> None:
    service.push(event("case", case()), event("party", party("victim")), {**known, "id": values.marker("known")})
    token = service.log_in()
    before, told = service.view(token), len(service.messages())
    service.push(measure("M2", subject))
    service.work()
    after = service.view(token)
    assert len(service.messages()) == told
    assert before is not None
    assert after is not None
    assert before["milestones"] == after["milestones"]
