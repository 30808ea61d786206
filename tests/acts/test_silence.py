"""A source that is silent longer than usual: the reader is told, and the alarm sounds."""

from datetime import datetime

import pytest
from structlog.testing import capture_logs

from caseq import watching, worker
from tests.service import Service, case, event, party


def speaking_often(service: Service) -> None:
    """A source with one case; it is known to speak every five minutes."""
    service.push(event("case", case()), event("party", party()))
    for pause in [60] * 110 + [15] * 40 + [5] * 60:
        service.clock.advance(minutes=pause)
        service.push()


def listened(service: Service, sounded: dict[str, datetime]) -> tuple[dict[str, datetime], list[dict[str, object]]]:
    """The state of the alarm after one more look, and what it wrote."""
    with capture_logs() as lines:
        after = watching.sound_alarm(service.runtime, sounded)
    return after, [dict(line) for line in lines]


def test_a_reader_is_told_as_soon_as_the_silence_is_longer_than_usual(service: Service) -> None:
    speaking_often(service)
    service.clock.advance(minutes=15)
    token = service.log_in()
    view = service.view(token)
    assert view is not None
    assert view["source_silent"] is False
    service.clock.advance(minutes=1)
    view = service.view(token)
    assert view is not None
    assert view["source_silent"] is True
    service.push()
    view = service.view(token)
    assert view is not None
    assert view["source_silent"] is False


def test_the_alarm_sounds_once_then_every_hour_and_ends_with_a_line(service: Service) -> None:
    speaking_often(service)
    sounded, said = listened(service, {})
    assert (sounded, said) == ({}, [])
    written: list[int] = []
    for minute in range(1, 150):
        service.clock.advance(minutes=1)
        sounded, said = listened(service, sounded)
        written += [minute] * len(said)
        assert all(line["event"] == "source_silent" and line["log_level"] == "error" for line in said)
        assert all(line["source"] == "criminal" and line["silent_seconds"] == minute * 60 for line in said)
    assert written == [16, 76, 136]
    service.push()
    sounded, said = listened(service, sounded)
    assert [(line["event"], line["source"]) for line in said] == [("source_speaks_again", "criminal")]
    assert listened(service, sounded) == ({}, [])


def test_a_source_whose_key_was_taken_away_raises_no_alarm(service: Service) -> None:
    service.push()
    service.clock.advance(days=3)
    assert list(listened(service, {})[0]) == ["criminal"]
    criminal = service.runtime.settings.sources["criminal"]
    object.__setattr__(criminal, "keys", ())
    assert listened(service, {}) == ({}, [])


def test_a_source_that_never_spoke_is_named_when_a_worker_starts(service: Service) -> None:
    service.push()
    at_work = worker.Worker(service.runtime, service.router)
    with capture_logs() as lines:
        at_work.listen()
        at_work.listen()
    mute = [line["source"] for line in lines if line["event"] == "source_never_spoke"]
    assert mute == ["administrative", "trade", "reconsideration", "compensation", "petition", "regulation"]


def test_a_worker_that_starts_anew_says_again_what_is_silent(service: Service) -> None:
    service.push()
    service.clock.advance(days=2)
    for _ in range(2):
        with capture_logs() as lines:
            at_work = worker.Worker(service.runtime, service.router)
            at_work.listen()
            at_work.listen()
        assert [line["source"] for line in lines if line["event"] == "source_silent"] == ["criminal"]


def test_a_source_without_a_place_in_the_configuration_is_left_alone(service: Service) -> None:
    service.push()
    service.clock.advance(days=2)
    del service.runtime.settings.sources["criminal"]  # type: ignore[attr-defined]
    assert listened(service, {}) == ({}, [])


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_worker_listens_while_it_works(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    at_work = worker.Worker(service.runtime, service.router)

    def listen() -> None:
        heard.append(1)
        at_work.stop()

    monkeypatch.setattr(at_work, "listen", listen)
    at_work.run()
    assert heard == [1]
