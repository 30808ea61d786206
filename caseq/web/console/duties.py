"""Which duty each address of the console belongs to. What is not here is refused; a test goes through all of them."""

from collections.abc import Mapping

from caseq.rules.duties import Duty

#: The addresses that nobody needs to be signed in for.
OPEN = frozenset({"entrance.sign_in", "entrance.take_sign_in", "entrance.enrol", "entrance.take_enrol"})

DUTY_OF: Mapping[str, Duty] = {
    "home.home": Duty.HOME,
    "entrance.sign_out": Duty.HOME,
    "entrance.prove": Duty.HOME,
    "entrance.take_proof": Duty.HOME,
    "inbox.unit": Duty.INBOX,
    "inbox.one": Duty.INBOX,
    "inbox.answer": Duty.INBOX,
    "inbox.supervisor": Duty.SUPERVISE,
    "inbox.second": Duty.SUPERVISE,
    "inbox.answer_second": Duty.SUPERVISE,
    "review.queue": Duty.QUEUE,
    "review.one": Duty.QUEUE,
    "review.send_again": Duty.QUEUE,
    "review.agree": Duty.REVIEW,
    "review.give_back": Duty.REVIEW,
    "review.withhold": Duty.REVIEW,
    "review.undo": Duty.REVIEW,
    "review.delegations": Duty.DELEGATE,
    "review.delegate": Duty.DELEGATE,
    "review.end_delegation": Duty.DELEGATE,
    "desk.start": Duty.CASE_DESK,
    "desk.search": Duty.CASE_DESK,
    "desk.view": Duty.CASE_DESK,
    "phone.start": Duty.PHONE_DESK,
    "phone.ask": Duty.PHONE_DESK,
    "phone.view": Duty.PHONE_DESK,
    "counter.start": Duty.COUNTER,
    "counter.search": Duty.COUNTER,
    "counter.papers": Duty.COUNTER,
    "counter.person": Duty.COUNTER,
    "counter.number": Duty.COUNTER,
    "counter.codes": Duty.COUNTER,
    "counter.told": Duty.COUNTER,
    "counter.numbers": Duty.COSIGN,
    "counter.agree": Duty.COSIGN,
    "counter.decline": Duty.COSIGN,
    "delivery.waiting": Duty.NOTICES,
    "delivery.make": Duty.NOTICES,
    "delivery.record": Duty.NOTICES,
    "audit.audit": Duty.AUDIT,
    "report.report": Duty.REPORTS,
    "report.table": Duty.REPORTS,
    "report.pdf": Duty.REPORTS,
}
