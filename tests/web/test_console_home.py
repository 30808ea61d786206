"""The first page of the console: how much waits, and alerts until they were seen."""

from dataclasses import replace

from caseq.intake import alerting
from caseq.rules.approval import Line, Step
from caseq.rules.duties import StaffRole
from tests.service import Service, case, event, milestone, party
from tests.staff import UNIT_CODE, hired, post, signed_in_as


def test_an_alert_stands_on_the_first_page_until_it_was_seen(service: Service) -> None:
    chain = (Line(None, None, (Step.UNIT_LEADER,)),)
    approval = replace(service.runtime.settings.approval, lines=chain, at_once_before=None)
    service.runtime = replace(service.runtime, settings=replace(service.runtime.settings, approval=approval))
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    service.clock.advance(days=30)
    alerting.alert(service.runtime)
    client = signed_in_as(service, hired(service, StaffRole.LEADER, UNIT_CODE))
    assert "知道了" not in client.get("/staff").get_data(as_text=True)
    alerting.alert(service.runtime)
    page = client.get("/staff").get_data(as_text=True)
    for said in ("知道了", "1 等您签", "1 已经超期"):
        assert said in page
    assert post(client, "/staff/alerts/1", page="/staff").status_code == 303
    page = client.get("/staff").get_data(as_text=True)
    assert "知道了" not in page
    assert "1 等您签" in page
