"""What takes access away works in every process within a second, in sessions that are open too."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from caseq import granting
from caseq.granting import Deed
from tests.service import CASE, PHONE, Process, Served, case, digits_of, event, free_port, milestone, party, service

Change = Callable[["TwoServers"], None]


class TwoServers(Served):
    """One worker and two services on one database, as behind a load balancer."""

    def __init__(self, database_url: str, folder: Path) -> None:
        super().__init__(database_url, folder)
        self.database_url = database_url
        port = free_port()
        self.other_url = f"http://127.0.0.1:{port}"
        self.other = Process(["caseq.cli", "serve", "--bind", f"127.0.0.1:{port}"], self.environ, folder / "other.log")

    def wait_until_both_are_ready(self) -> None:
        self.wait_until_ready()
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                if requests.get(self.other_url + "/readyz", timeout=2).status_code == 200:
                    return
            except requests.RequestException:
                time.sleep(0.05)
        raise AssertionError((self.folder / "other.log").read_text()[-2000:])

    def log_in(self) -> str:
        asked = requests.post(self.url + "/api/v1/codes", json={"case_number": CASE, "phone": PHONE}, timeout=10)
        body = {"challenge": asked.json()["challenge"], "code": digits_of(self.code())}
        answer = requests.post(self.url + "/api/v1/sessions", json=body, timeout=10)
        return str(answer.json()["token"])

    def code(self) -> str:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if codes := [text for text in self.sms(PHONE) if len(digits_of(text)) == 8]:
                return codes[-1]
            time.sleep(0.05)
        raise AssertionError("no code came")

    def status(self, url: str, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(url + "/api/v1/case", headers=headers, timeout=10).status_code

    def stop(self) -> None:
        self.other.stop()
        super().stop()


@pytest.fixture
def servers(database_url: str, tmp_path: Path) -> Iterator[TwoServers]:
    running = TwoServers(database_url, tmp_path)
    try:
        running.wait_until_both_are_ready()
        yield running
    finally:
        running.stop()


def pushed(*events: dict[str, Any]) -> Change:
    def push(servers: "TwoServers") -> None:
        servers.push(*events)

    return push


def revoked_by_staff(servers: TwoServers) -> None:
    folder = servers.folder / "staff"
    folder.mkdir()
    desk = service(servers.database_url, folder)
    assert granting.do(desk.runtime, Deed.REVOKE, CASE, "P-victim", "窗口民警", "手机丢失")
    desk.runtime.database.close()


LATER = {"sequence": "2"}
CHANGES = {
    "the party is withdrawn": pushed(event("withdrawal", {"record": "party", "key": "P-victim"}, **LATER)),
    "the case is withdrawn": pushed(event("withdrawal", {"record": "case", "key": CASE}, **LATER)),
    "the case is withheld": pushed(event("case", case(state="withheld"), **LATER)),
    "the role is corrected": pushed(event("party", party("complainant", "P-victim"), **LATER)),
    "the authority ended": pushed(event("party", party("victim", valid_until="2020-01-01"), **LATER)),
    "staff revoke the grant": revoked_by_staff,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_an_open_session_ends_within_a_second_in_every_process(servers: TwoServers, change: Change) -> None:
    servers.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    token = servers.log_in()
    assert [servers.status(url, token) for url in (servers.url, servers.other_url)] == [200, 200]
    change(servers)
    changed_at = time.monotonic()
    answers = [servers.status(url, token) for url in (servers.url, servers.other_url)]
    assert answers == [401, 401]
    assert time.monotonic() - changed_at < 1


def test_a_withdrawn_or_corrected_milestone_is_gone_with_the_next_request_in_every_process(servers: TwoServers) -> None:
    servers.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    servers.push(event("milestone", milestone("case_solved")))
    token = servers.log_in()
    gone = event("withdrawal", {"record": "milestone", "key": "M-case_solved"}, sequence="2")
    corrected = event("milestone", milestone(occurred_on="2026-11-19"), sequence="2")
    servers.push(gone, corrected)
    for url in (servers.url, servers.other_url):
        view = requests.get(url + "/api/v1/case", headers={"Authorization": f"Bearer {token}"}, timeout=10).json()
        assert [(seen["name"], seen["occurred_on"]) for seen in view["milestones"]] == [("case_filed", "2026-11-19")]
