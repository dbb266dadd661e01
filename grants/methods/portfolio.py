"""The portfolio: the best set of dossiers within the envelope, under floors, caps and choices already made.

Everything is counted in whole numbers: euros in cents, scores and shares as fractions. Dossiers are taken in the order
of the ranking, the highest score first, equal scores by identifier: of two best sets, the one that takes the first
dossier on which they differ is retained, and takes it at its largest amount. Rows in another order change nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from math import gcd, lcm
from typing import NamedTuple

from grants.methods.clashes import smallest_clash
from grants.methods.programs import LARGEST, Chosen, Program, Row, UnprovedError, best, feasible, first, near, total

NEAR = 1 << 34  # two objectives are looked at exactly when they differ by less than one part in so many
MOST_EXACT = 400  # options beyond which sets over draws are found by a relaxation
MOST_PRICED = 1_500  # options beyond which no price is computed
NODES = 200_000  # of the search tree of one solve
NODES_OF_A_PRICE = 20_000
MOST_NEAR = 12  # sets that floating point cannot tell apart, compared exactly
MOST_SWAPS = 100_000  # pairs of dossiers tried for a reason


class Objective(StrEnum):
    """What the best set has most of."""

    SCORE = "score"  # the sum of the scores
    VALUE = "value"  # the sum of score × euros
    COUNT = "count"  # the number of dossiers
    RANK = "rank"  # none: the ranking is followed, a dossier that does not fit is passed over


class Bound(StrEnum):
    """What a limit holds, on the dossiers selected that have a value."""

    MIN_EUROS = "min_euros"
    MAX_EUROS = "max_euros"
    MIN_COUNT = "min_count"
    MAX_COUNT = "max_count"
    MIN_SHARE = "min_share"  # of the euros selected, from 0 to 1; of no euro, any share


@dataclass(frozen=True)
class Candidate:
    """A dossier: amounts in cents, the amount asked for first, then the levels that are viable, the largest first."""

    id: str
    score: Fraction
    amounts: tuple[int, ...]
    cells: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Limit:
    """A floor or a cap on the dossiers whose column has this value: cents, a number of dossiers, or a share."""

    column: str
    equals: str
    bound: Bound
    number: Fraction


@dataclass(frozen=True)
class AtMost:
    """No more dossiers than `count` for each value of a column, the empty one included."""

    column: str
    count: int


@dataclass(frozen=True)
class Rules:
    """What a set must respect: `budget` in cents; `locked_in` and `locked_out`, None when nothing is said of them."""

    budget: int
    objective: Objective
    locked_in: tuple[str, ...] | None = None
    locked_out: tuple[str, ...] | None = None
    limits: tuple[Limit, ...] = ()
    at_most: tuple[AtMost, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Its rules, in order."""
        locks = (("locked_in", self.locked_in), ("locked_out", self.locked_out))
        return (
            "budget",
            *(name for name, ids in locks if ids is not None),
            *(f"rule[{rank}]" for rank in range(len(self.limits))),
            *(f"at_most[{rank}]" for rank in range(len(self.at_most))),
        )


class Excess(NamedTuple):
    """A rule that a set breaks, the value concerned, and by how much: cents for euros and shares, else dossiers."""

    rule: str
    equals: str
    by: int


class LeftOut(NamedTuple):
    """Why a dossier is not in the set: locked out; or what it would break there at its least amount; and the dossier
    selected whose place it could take, with what the objective would then lose.

    Without any of these, its score is not above zero: it would add nothing.
    """

    id: str
    locked: bool = False
    breaks: tuple[Excess, ...] = ()
    replaced_by: str | None = None
    loss: Fraction = Fraction(0)


class Portfolio(NamedTuple):
    """A set: cents by identifier in the order of the ranking, and its objective, which for `rank` is the sum of the
    scores. `value` is counted in score × euros."""

    amounts: dict[str, int]
    objective: Fraction


class Answer(NamedTuple):
    """The best set, why the others are left out, what each rule costs; or, without any set, the smallest clash.

    A price is the objective gained without the rule, None if it could not be proved within bounds, or beyond 1,500
    options. For `rank`, that of the sum of the scores: it can be negative.
    """

    portfolio: Portfolio
    left_out: list[LeftOut]
    prices: dict[str, Fraction | None]
    clash: list[str]


class Another(NamedTuple):
    """A next best set, and how it differs from the best one."""

    portfolio: Portfolio
    enters: list[str]
    leaves: list[str]


class Robustness(NamedTuple):
    """The share of the draws in which each dossier is in the best set, and by what part those sets may fall short."""

    shares: dict[str, Fraction]
    gap: float


# ---- what is computed ----------------------------------------------------------------------------------------------


def solve(candidates: Iterable[Candidate], rules: Rules) -> Answer:
    """The best set of dossiers, and its reasons. Raises UnprovedError if it cannot be proved within bounds."""
    case = _Case(candidates, rules)
    chosen = case.best()
    if chosen is None:
        clash = smallest_clash(len(rules.names), lambda ranks: case.allows({rules.names[rank] for rank in ranks}))
        return Answer(Portfolio({}, Fraction(0)), [], {}, [rules.names[rank] for rank in clash])
    return Answer(case.portfolio(chosen), _left_out(case, chosen), case.prices(chosen), [])


def next_best(candidates: Iterable[Candidate], rules: Rules, number: int = 3) -> list[Another]:
    """The sets that come after the best one, of other dossiers each, the best first."""
    case = _Case(candidates, rules)
    chosen = case.best()
    if chosen is None:
        return []
    dossiers = case.program.of(chosen)
    found = []
    for _ in range(number):
        case.program = case.program.plus(case.program.without(chosen))
        chosen = case.best()
        if chosen is None:
            break
        now = case.program.of(chosen)
        found.append(Another(case.portfolio(chosen), case.ids(now - dossiers), case.ids(dossiers - now)))
    return found


def robustness(candidates: Iterable[Candidate], rules: Rules, draws: Iterable[Mapping[str, Fraction]]) -> "Robustness":
    """The share of the draws of scores in which each dossier is in the best set: in none where no set respects the
    rules. Of sets that are equal in a draw, one counts. With more than 400 options, sets are found after a
    relaxation: `gap` is the largest part by which one of them may fall short of the best, 0 otherwise."""
    candidates = list(candidates)
    seen: Counter[str] = Counter()
    number, gap = 0, 0.0
    for scores in draws:
        case = _Case([replace(each, score=scores[each.id]) for each in candidates], rules)
        chosen, short = case.one()
        seen.update(case.ids(case.program.of(chosen or frozenset())))
        number, gap = number + 1, max(gap, short)
    return Robustness({each.id: Fraction(seen[each.id], number or 1) for each in candidates}, gap)


SURELY_IN, SURELY_OUT = Fraction(95, 100), Fraction(5, 100)


class Standing(StrEnum):
    """Where a dossier stands over the draws (Mavrotas & Makryvelios 2021)."""

    IN = "in"
    DEBATED = "debated"
    OUT = "out"


def standing(share: Fraction) -> Standing:
    """Surely in from 95 % of the draws, surely out up to 5 %."""
    if share >= SURELY_IN:
        return Standing.IN
    return Standing.OUT if share <= SURELY_OUT else Standing.DEBATED


# ---- the program ---------------------------------------------------------------------------------------------------


class _Case:
    """Candidates in the order of the ranking, and the program that the rules make of them."""

    def __init__(self, candidates: Iterable[Candidate], rules: Rules) -> None:
        self.candidates = sorted(candidates, key=lambda each: (-each.score, each.id))
        self.rules = rules
        self.rank = {each.id: rank for rank, each in enumerate(self.candidates)}
        self.options = [(rank, cents) for rank, each in enumerate(self.candidates) for cents in each.amounts]
        groups: list[list[int]] = [[] for _ in self.candidates]
        for option, (rank, _) in enumerate(self.options):
            groups[rank].append(option)
        self.groups = groups
        self.rows = _rows(self.candidates, self.options, rules)
        shares = ((number, limit) for number, limit in enumerate(rules.limits) if limit.bound is Bound.MIN_SHARE)
        self.scales = {f"rule[{number}]": limit.number.denominator for number, limit in shares}
        self.program = self.under(rules.names)
        self.weights, self.unit = self._weights()

    def under(self, names: Collection[str]) -> Program:
        """The program under these rules alone."""
        locked_in = self.rules.locked_in if "locked_in" in names else None
        locked_out = self.rules.locked_out if "locked_out" in names else None
        return Program(
            self.groups,
            [row for name, of_it in self.rows.items() if name in names for row in of_it.values()],
            frozenset(self.rank[each] for each in locked_in or ()),
            frozenset(self.rank[each] for each in locked_out or ()),
        )

    def _weights(self) -> tuple[list[int], int]:
        """What each option adds to the objective, in whole numbers, and how many of them make one."""
        scores = lcm(*(each.score.denominator for each in self.candidates))
        objective = self.rules.objective
        if objective is Objective.COUNT:
            return [1] * len(self.options), 1
        of_rank = [int(each.score * scores) for each in self.candidates]
        if objective is Objective.VALUE:
            return [of_rank[rank] * cents for rank, cents in self.options], scores * 100
        return [of_rank[rank] for rank, _ in self.options], scores

    def allows(self, names: Collection[str]) -> bool:
        """Whether something respects these rules."""
        return feasible(self.under(names)) is not None

    def best(self) -> Chosen | None:
        """The best set, and of equal ones the first."""
        if self.rules.objective is Objective.RANK:
            return first(self.program, nodes=NODES)
        chosen = best(self.program, self.weights, nodes=NODES)
        return None if chosen is None else _first_of_equals(self.program, self.weights, chosen)

    def one(self) -> tuple[Chosen | None, float]:
        """A best set, whichever of equal ones, and 0; of many options, a good one and how far it may fall short."""
        if self.rules.objective is Objective.RANK:
            return first(self.program, nodes=NODES), 0.0
        if len(self.options) > MOST_EXACT:
            return near(self.program, self.weights)
        return best(self.program, self.weights, nodes=NODES), 0.0

    def prices(self, chosen: Chosen) -> dict[str, Fraction | None]:
        """What the objective gains without each rule."""
        return {name: self._price(name, chosen) for name in self.rules.names}

    def _price(self, name: str, chosen: Chosen) -> Fraction | None:
        if len(self.options) > MOST_PRICED:
            return None
        program = self.under([each for each in self.rules.names if each != name])
        try:
            if self.rules.objective is Objective.RANK:
                without = first(program, start=chosen, nodes=NODES_OF_A_PRICE)
            else:
                without = best(program, self.weights, nodes=NODES_OF_A_PRICE)
        except UnprovedError:
            return None
        return None if without is None else self.objective(without) - self.objective(chosen)

    def objective(self, chosen: Chosen) -> Fraction:
        """The objective of a set."""
        return Fraction(total(self.weights, chosen), self.unit)

    def portfolio(self, chosen: Chosen) -> Portfolio:
        """A set, by identifiers."""
        amounts = {self.candidates[rank].id: cents for rank, cents in (self.options[each] for each in sorted(chosen))}
        return Portfolio(amounts, self.objective(chosen))

    def ids(self, ranks: Iterable[int]) -> list[str]:
        """The identifiers of dossiers, in the order of the ranking."""
        return [self.candidates[rank].id for rank in sorted(ranks)]


def _rows(
    candidates: Sequence[Candidate], options: Sequence[tuple[int, int]], rules: Rules
) -> dict[str, dict[str, Row]]:
    """The rows of the rules, by name, and by value for those that hold each value."""
    cents = {option: amount for option, (_, amount) in enumerate(options)}
    rows = {"budget": {"": Row(cents, most=rules.budget)}}
    for number, limit in enumerate(rules.limits):
        inside = [candidates[rank].cells[limit.column] == limit.equals for rank, _ in options]
        rows[f"rule[{number}]"] = {limit.equals: _limit(limit, inside, cents)}
    for number, most in enumerate(rules.at_most):
        members: dict[str, dict[int, int]] = defaultdict(dict)
        for option, (rank, _) in enumerate(options):
            members[candidates[rank].cells[most.column]][option] = 1
        rows[f"at_most[{number}]"] = {
            value: Row(terms, most=most.count)
            for value, terms in members.items()
            if len({options[option][0] for option in terms}) > most.count
        }
    return rows


def _limit(limit: Limit, inside: Sequence[bool], cents: Mapping[int, int]) -> Row:
    number = limit.number
    if limit.bound is Bound.MIN_SHARE:
        kept, lost = number.denominator - number.numerator, number.numerator
        return Row({each: amount * kept if inside[each] else -amount * lost for each, amount in cents.items()}, least=0)
    counted = limit.bound in {Bound.MIN_COUNT, Bound.MAX_COUNT}
    terms = {each: 1 if counted else amount for each, amount in cents.items() if inside[each]}
    if limit.bound in {Bound.MIN_EUROS, Bound.MIN_COUNT}:
        return Row(terms, least=int(number))
    return Row(terms, most=int(number))


# ---- equal sets ----------------------------------------------------------------------------------------------------


def _first_of_equals(program: Program, weights: Sequence[int], chosen: Chosen) -> Chosen:
    """The first of the sets as good as this one."""
    shared = gcd(*weights) or 1
    weights = [weight // shared for weight in weights]
    if max(map(abs, weights), default=0) > LARGEST:
        return _first_of_near(program, weights, chosen)
    held = program.plus(Row(dict(enumerate(weights)), least=total(weights, chosen)))
    if len(set(weights)) > 1 and best(held.plus(program.refusal(chosen)), weights, nodes=NODES) is None:
        return chosen
    return first(held, start=chosen, nodes=NODES) or chosen


def _first_of_near(program: Program, weights: Sequence[int], chosen: Chosen) -> Chosen:
    """The first of the sets as good as this one, of numbers too large for HiGHS to tell one unit from the next.

    The sets that are as good as far as it can tell are compared exactly; if they are many, their difference is that of
    the last digits of scores that were rounded, and they count as equal.
    """
    least = total(weights, chosen) - sum(map(abs, weights)) // NEAR
    held = program.plus(Row(dict(enumerate(weights)), least=least))
    of_dossiers = all(len({weights[option] for option in group}) == 1 for group in program.groups)
    found, rest = [chosen], held
    while len(found) < MOST_NEAR:
        rest = rest.plus(program.without(found[-1]) if of_dossiers else program.refusal(found[-1]))
        another = best(rest, weights, nodes=NODES)
        if another is None:
            break
        found.append(another)
    else:
        return first(held, start=chosen, nodes=NODES) or chosen
    most = max(total(weights, each) for each in found)
    equal = [each for each in found if total(weights, each) == most]
    return min((_first_of_same(program, each) if of_dossiers else each for each in equal), key=program.places)


def _first_of_same(program: Program, chosen: Chosen) -> Chosen:
    """The first choice among these very dossiers."""
    dossiers = program.of(chosen)
    rest = frozenset(range(len(program.groups))) - dossiers
    return first(replace(program, required=dossiers, closed=rest), start=chosen, nodes=NODES) or chosen


# ---- reasons -------------------------------------------------------------------------------------------------------


def _left_out(case: _Case, chosen: Chosen) -> list[LeftOut]:
    """Why each dossier that is not in the set is not, by trying it there."""
    sums = {(name, value): row.total(chosen) for name, of_it in case.rows.items() for value, row in of_it.items()}
    taken = case.program.of(chosen)
    swaps = len(taken) * (len(case.groups) - len(taken)) <= MOST_SWAPS and case.rules.objective is not Objective.RANK
    return [
        _reason(case, rank, chosen if swaps else frozenset(), sums)
        for rank in range(len(case.groups))
        if rank not in taken
    ]


def _reason(case: _Case, rank: int, chosen: Chosen, sums: Mapping[tuple[str, str], int]) -> LeftOut:
    candidate, option = case.candidates[rank], case.groups[rank][-1]
    if rank in case.program.closed:
        return LeftOut(candidate.id, locked=True)
    breaks = tuple(_excesses(case, sums, option, None))
    if not breaks:
        return LeftOut(candidate.id)
    swaps = [
        (total(case.weights, [given]) - case.weights[taken], case.options[given][0], taken)
        for taken in chosen
        for given in case.groups[rank]
        if case.options[taken][0] not in case.program.required and not any(_excesses(case, sums, given, taken))
    ]
    if not swaps:
        return LeftOut(candidate.id, breaks=breaks)
    gain, _, taken = max(swaps, key=lambda swap: (swap[0], -swap[2]))
    by = case.candidates[case.options[taken][0]].id
    return LeftOut(candidate.id, breaks=breaks, replaced_by=by, loss=Fraction(-gain, case.unit))


def _excesses(case: _Case, sums: Mapping[tuple[str, str], int], given: int, taken: int | None) -> Iterable[Excess]:
    """What a set breaks once an option is added to it and, perhaps, another taken away."""
    for name, of_it in case.rows.items():
        for value, row in of_it.items():
            gained = row.terms.get(given, 0) - (0 if taken is None else row.terms.get(taken, 0))
            now = sums[name, value] + gained
            over = 0 if row.most is None else now - row.most
            under = 0 if row.least is None else row.least - now
            if over > 0 or under > 0:
                yield Excess(name, value, -(-max(over, under) // case.scales.get(name, 1)))
