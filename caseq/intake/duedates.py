"""By when a change of a milestone must be told to somebody."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime

from caseq.rules import timelimits, workdays
from caseq.rules.case import Kind, Milestone, Role, bureau_date
from caseq.rules.workdays import Due, Limit, LimitUnit
from caseq.settings import Settings


@dataclass(frozen=True, slots=True)
class DueDate:
    """The end of a limit, which limit that is, and whether it is shorter than the general one."""

    due: Due
    limit: Limit
    is_shorter: bool


class DueDates:
    """The shortest limits among the roles that may be told, online or on paper; what was found once is kept."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._limits: dict[tuple[Kind, str, Role | None, timelimits.Said], Limit] = {}
        self._counted: dict[tuple[date, Limit], Due] = {}
        self._roles: defaultdict[tuple[Kind, str], set[Role]] = defaultdict(set)
        for rule in settings.policy.rules:
            self._roles[rule.kind, rule.item].update(rule.roles)

    def of(self, kind: Kind, milestone: Milestone, formed_at: datetime) -> DueDate:
        """By when a milestone that was formed or changed at this moment must be told."""
        limit = self._limit(kind, milestone, None)
        return DueDate(self._due(formed_at, limit), limit, limit != self._settings.time_limits.general)

    def for_role(self, kind: Kind, milestone: Milestone, role: Role, formed_at: datetime) -> Due:
        """By when this role must be told of it."""
        return self._due(formed_at, self._limit(kind, milestone, role))

    def _limit(self, kind: Kind, milestone: Milestone, role: Role | None) -> Limit:
        """The limit for one role, or (None) the shortest for all who may be told."""
        asked = kind, milestone.name, role, timelimits.said(milestone.details)
        if asked not in self._limits:
            roles = self._roles[kind, milestone.name] if role is None else {role}
            found = timelimits.shortest(self._settings.time_limits, kind, milestone.name, roles, milestone.details)
            self._limits[asked] = found
        return self._limits[asked]

    def _due(self, formed_at: datetime, limit: Limit) -> Due:
        if limit.unit is LimitUnit.HOURS:
            return workdays.due(self._settings.workdays, formed_at, limit)
        day = bureau_date(formed_at), limit
        if day not in self._counted:
            self._counted[day] = workdays.due(self._settings.workdays, formed_at, limit)
        return self._counted[day]
