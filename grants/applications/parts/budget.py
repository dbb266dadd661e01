"""The project's budget in the accounts of the national form: its lines, its totals, and what must balance."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from typing import Self, cast

from grants.applications.parts.fields import (
    Amount,
    Cells,
    Choice,
    Content,
    Field,
    RowTable,
    Scalar,
    ShortText,
    StoredRow,
)
from grants.applications.parts.part import DossierPart, Part
from grants.applications.parts.vocabulary import FUNDING_LABELS, FundingStatus
from grants.calls.rules import Asked
from grants.kernel.money import Money, percentage
from grants.kernel.pages import money, percent
from grants.kernel.words import LazyString, _, _l, in_words_of


@dataclass(frozen=True)
class Totals:
    """The four totals of a budget: what is paid on each side, and contributions in kind on each side."""

    charges: Money
    resources: Money
    in_kind_charges: Money
    in_kind_resources: Money

    @property
    def is_balanced(self) -> bool:
        """Whether both pairs of totals are equal."""
        return self.charges == self.resources and self.in_kind_charges == self.in_kind_resources

    def by_name(self) -> Iterator[tuple[str, Money]]:
        """Each total with its name in frozen content."""
        yield from (("charges", self.charges), ("resources", self.resources))
        yield from (("in_kind_charges", self.in_kind_charges), ("in_kind_resources", self.in_kind_resources))


FUNDERS = "74"  # the account whose lines name a funder and how sure it is
IN_KIND = ("86", "87")  # what the accounts of contributions in kind begin with


def is_in_kind(account: str) -> bool:
    """Whether an account is of the groups 86 and 87, counted apart."""
    return account.startswith(IN_KIND)


def totals(lines: Iterable[tuple[str, str, Money]]) -> Totals:
    """The totals of lines given as (side, account, amount)."""
    sums = dict.fromkeys(("charge", "resource", "in_kind_charge", "in_kind_resource"), Money(0))
    for side, account, amount in lines:
        sums[f"in_kind_{side}" if is_in_kind(account) else side] += amount
    return Totals(sums["charge"], sums["resource"], sums["in_kind_charge"], sums["in_kind_resource"])


def is_over_rate(requested: Money, resources: Money, max_rate: int | None) -> bool:
    """Whether the request is more than a whole percentage of the project's resources; None is no cap."""
    return max_rate is not None and requested.cents * 100 > resources.cents * max_rate


def budget_gaps(found: Totals) -> list[str]:
    """What differs between the two sides, and by how much."""
    gaps = []
    gap = found.charges - found.resources
    if gap.cents > 0:
        gaps.append(_("Il manque %(gap)s de ressources : le total doit égaler celui des charges.", gap=money(gap)))
    elif gap.cents < 0:
        gaps.append(
            _("Les ressources dépassent les charges de %(gap)s : les deux totaux doivent être égaux.", gap=money(-gap))
        )
    gap = found.in_kind_charges - found.in_kind_resources
    if gap:
        message = _(
            "Contributions en nature : les comptes 86 et 87 diffèrent de %(gap)s.", gap=money(Money(abs(gap.cents)))
        )
        gaps.append(message)
    return gaps


def rate_gap(requested: Money, resources: Money, max_rate: int | None) -> str | None:
    """How far the request goes over the instrument's rate, or None when it does not."""
    if max_rate is None or not is_over_rate(requested, resources, max_rate):
        return None
    return _(
        "Le montant demandé dépasse %(rate)s des ressources du projet : %(over)s de trop.",
        rate=percent(max_rate),
        over=money(Money(requested.cents - resources.cents * max_rate // 100)),
    )


def shares(requested: Money, resources: Money, max_rate: int | None) -> list[str]:
    """What part of the resources a request is, and how far over the instrument's rate; nothing without resources."""
    if not requested or not resources:
        return []
    share = _("Le montant demandé fait %(rate)s des ressources.", rate=percent(percentage(requested, resources), 1))
    over = rate_gap(requested, resources, max_rate) if requested <= resources else None
    return [share, over] if over else [share]


def subsidies(granted: Money, all_of_them: Money, resources: Money) -> str:
    """What public and private grants (account 74), the request included, add up to; nothing without resources."""
    if not all_of_them or not resources:
        return ""
    return _(
        "Subventions du compte 74, cette demande comprise : %(sum)s, soit %(rate)s des ressources ; "
        "déjà obtenues : %(granted)s.",
        sum=money(all_of_them),
        rate=percent(percentage(all_of_them, resources), 1),
        granted=money(granted),
    )


# ---- the part --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AccountField(Field):
    """The code of a budget account, written in the page and never typed; a line alone of its account says nothing."""

    @property
    def tells(self) -> bool:
        """The page holds a line for every account."""
        return False


@dataclass(frozen=True)
class BudgetRows(RowTable):
    """The lines of a budget, told side by side in frozen content; the line of the request is not among the values."""

    def row(self, typed: Cells) -> dict[str, Scalar] | None:
        """A line that was written; named without an amount, it counts zero."""
        values = {field.name: typed.get(field.name, field.blank) for field in self.fields}
        is_written = any(values[field.name] for field in self.fields if isinstance(field, ShortText | Amount))
        return {**values, "amount": values["amount"] or Money(0)} if is_written else None

    @property
    def items(self) -> dict[str, LazyString | str]:
        """The accounts are rows of reference data: whoever reads them knows their codes."""
        return {}

    def only(self, names: Container[str]) -> Self | None:
        """All columns are asked: lines go by their account (`leave_accounts_out`)."""
        return self

    def rows_in(self, content: Content) -> list[StoredRow]:
        """The lines of both sides."""
        return [*content["budget"]["charges"], *content["budget"]["resources"]]


def leave_accounts_out(content: Content, asked: Asked) -> list[str]:
    """Take out of frozen content the lines of accounts that are not asked, and count anew; gives their titles."""
    sides = cast(dict[str, list[StoredRow]], content["budget"])
    said: list[str] = []
    for side in ("charges", "resources"):
        gone = [line for line in sides[side] if not is_account_asked(asked, str(line["account"]))]
        said += [in_words_of(line, "title") for line in gone]
        sides[side] = [line for line in sides[side] if line not in gone]
    if said:
        lines = [("charge", line) for line in sides["charges"]] + [("resource", line) for line in sides["resources"]]
        found = totals((side, str(line["account"]), Money(cast(int, line["amount_cents"]))) for side, line in lines)
        content["budget"]["totals"] = {f"{side}_cents": amount.cents for side, amount in found.by_name()}
        content["project"]["total_cents"] = found.charges.cents or None
    return list(dict.fromkeys(said))


def is_account_asked(asked: Asked, account: str) -> bool:
    """Whether the lines of an account are asked."""
    return asked.has(f"{Part.BUDGET}.{LINES.name}.{account}")


def _balance(content: Content) -> Iterator[tuple[str, str]]:
    """Both sides are equal, within the rate of the kind of support, and every funder has a name."""
    found = Totals(**{side: content["budget"]["totals"][side] for side in Totals.__dataclass_fields__})
    if not found.charges:
        yield "lines", _("Remplissez le budget du projet.")
        return
    yield from (("lines", gap) for gap in budget_gaps(found))
    instrument, requested = content["project"]["instrument"], content["project"]["requested"]
    if instrument is not None and requested is not None and requested <= found.resources:
        message = rate_gap(requested, found.resources, instrument["max_rate"])
        if message is not None:
            yield "lines", message
    if any(line["account"] == FUNDERS and not line["label"] for line in content["budget"]["resources"]):
        yield "lines", _("Nommez le financeur de chaque ligne du compte 74.")


LINES = BudgetRows(
    "lines",
    "budget_lines",
    (
        AccountField("account", _l("Compte")),
        ShortText("label", _l("Détail"), limit=200),
        Choice("status", _l("État"), FUNDING_LABELS, codes=FundingStatus, listed=True, stored="funding_status"),
        Amount("amount", _l("Montant")),
    ),
    content="budget",
    item=_l("Ligne"),
    add=_l("Ajouter cette ligne"),
    label=_l("Lignes du budget"),
    most=120,
)
BUDGET = DossierPart(
    Part.BUDGET,
    _l("Budget du projet"),
    (LINES,),
    intro=_l("En euros entiers, dans les comptes du formulaire national. Les charges doivent égaler les ressources."),
    rules=(_balance,),
    begun=lambda content: any(not line["is_request"] for line in LINES.rows_in(content)),
)
