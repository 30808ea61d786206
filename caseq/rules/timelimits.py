"""Within which limit a party must be told of a milestone: the general one, or the shortest of those for less."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from caseq.rules.case import Kind, MilestoneName, Role
from caseq.rules.measures import Measure, MeasureAction
from caseq.rules.workdays import Limit

#: What limits ask of the details of a milestone: the measure and the action.
Said = tuple[object, object]


@dataclass(frozen=True, slots=True)
class Shorter:
    """A limit for some milestones of one kind of case and some of its roles; of compulsory measures perhaps only for
    some `measures` and some `actions`, for all where these are empty."""

    kind: Kind
    milestones: frozenset[MilestoneName]
    roles: frozenset[Role]
    limit: Limit
    measures: frozenset[Measure] = frozenset()
    actions: frozenset[MeasureAction] = frozenset()

    def covers(self, kind: Kind, milestone: MilestoneName, role: Role, said: Said) -> bool:
        """Whether it is this limit's matter; what the details do not say is taken for what makes it so."""
        named = kind is self.kind and milestone in self.milestones and role in self.roles
        return named and _fits(self.measures, said[0]) and _fits(self.actions, said[1])

    def meets(self, other: "Shorter") -> bool:
        """Whether both cover some of the same."""
        pairs = (
            ({self.kind}, {other.kind}),
            (self.milestones, other.milestones),
            (self.roles, other.roles),
            (self.measures or set(Measure), other.measures or set(Measure)),
            (self.actions or set(MeasureAction), other.actions or set(MeasureAction)),
        )
        return all(mine & its for mine, its in pairs)


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """The limits within which parties are told: `general`, but for what a shorter one covers."""

    general: Limit
    shorter: Sequence[Shorter] = ()


def limit_for(
    limits: TimeLimits, kind: Kind, milestone: MilestoneName, role: Role, details: Mapping[str, object] | None
) -> Limit:
    """The shortest limit within which this role must be told of this milestone with these details."""
    return shortest(limits, kind, milestone, [role], details)


def shortest(
    limits: TimeLimits,
    kind: Kind,
    milestone: MilestoneName,
    roles: Iterable[Role],
    details: Mapping[str, object] | None,
) -> Limit:
    """The shortest limit within which any of these roles must be told of this milestone with these details."""
    asked = said(details)
    covering = [one.limit for role in roles for one in limits.shorter if one.covers(kind, milestone, role, asked)]
    return min([limits.general, *covering], key=lambda limit: limit.length)


def said(details: Mapping[str, object] | None) -> Said:
    """What limits look at in these details; alike in it, they have the same limits."""
    return (details.get("measure"), details.get("action")) if details else (None, None)


def undecided(shorter: Sequence[Shorter]) -> Iterator[tuple[int, int]]:
    """The positions of every two limits that cover some of the same and of which now one, now the other ends first."""
    for later, one in enumerate(shorter):
        for earlier, other in enumerate(shorter[:later]):
            limits = (one.limit, other.limit)
            if one.meets(other) and not (limits[0].is_within(limits[1]) or limits[1].is_within(limits[0])):
                yield earlier, later


def _fits(only: frozenset[Measure] | frozenset[MeasureAction], said: object) -> bool:
    return not only or said is None or said in only
