"""What a person sees of a case: query, projection, `CaseView`."""

from caseq.rules.case import bureau_date
from caseq.rules.disclosure import CaseView, project
from caseq.runtime import Runtime


def case_view(runtime: Runtime, token: str, language: str) -> CaseView | None:
    """The view of the session with this token, read and noted in the audit; None if there is no such session."""
    now = runtime.clock()
    settings = runtime.settings
    stored = runtime.case_query.load(runtime.database, token, now, settings.login.session_idle)
    # The query lets nobody into a case of a source in shadow; should it ever, the case ends here.
    if stored is None or stored.source in settings.policy.shadow:
        return None
    rights = settings.rights.get((stored.kind, stored.role, language), ())
    return project(stored, settings.policy, rights, bureau_date(now))
