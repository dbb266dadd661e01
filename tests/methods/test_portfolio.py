"""The best set within the envelope: compared with trying every set, and its reasons, prices and clashes."""

import json
from dataclasses import replace
from fractions import Fraction

import pytest

from grants.cli import main
from grants.methods import portfolio
from grants.methods.portfolio import Bound, Candidate, Limit, Objective, Rules, Standing
from grants.methods.programs import Program, Row, best
from tests.methods.portfolios import differences, drawn

pytestmark = pytest.mark.neutral


def candidate(name, score, *euros, **cells):
    return Candidate(name, Fraction(str(score)), tuple(100 * each for each in euros), cells)


def rules(euros, objective="score", **more):
    return Rules(euros * 100, Objective(objective), **more)


def best_set(candidates, wanted):
    return portfolio.solve(candidates, wanted).portfolio


@pytest.mark.parametrize("part", range(4))
def test_the_set_is_the_one_that_trying_every_set_finds(part):
    assert [difference for seed in range(part, 60, 4) for difference in differences(seed, 700)] == []


def test_the_order_of_the_rows_changes_nothing_and_more_money_never_takes_away():
    for seed in range(40):
        candidates, wanted = drawn(seed)
        answer = portfolio.solve(candidates, wanted)
        assert portfolio.solve(candidates[::-1], wanted) == answer
        if wanted.objective is not Objective.RANK and not answer.clash:
            more = best_set(candidates, replace(wanted, budget=wanted.budget + 7_654_321))
            assert more.objective >= answer.portfolio.objective


def test_of_equal_sets_the_first_of_the_ranking_is_taken_at_its_largest_amounts():
    equal = [candidate(name, 3, 1000, 600) for name in "edcba"]
    found = best_set(equal, rules(2900, "count"))
    assert found.amounts == {"a": 100_000, "b": 60_000, "c": 60_000, "d": 60_000}


def test_the_ranking_is_followed_and_a_dossier_that_does_not_fit_is_passed_over():
    some = [candidate("a", 5, 90), candidate("b", 4, 50, 8), candidate("c", 4, 30), candidate("d", -1, 2)]
    assert best_set(some, rules(100, "rank")).amounts == {"a": 9_000, "b": 800, "d": 200}
    floor = Limit("axis", "x", Bound.MIN_EUROS, Fraction(3_000))
    with_axis = [replace(each, cells={"axis": "x" if each.id == "c" else ""}) for each in some]
    kept = best_set(with_axis, rules(100, "rank", limits=(floor,)))
    assert kept.amounts == {"b": 5_000, "c": 3_000, "d": 200}  # the best one would leave the floor out of reach


def test_scores_that_differ_by_their_last_digit_are_compared_exactly():
    some = [candidate("a", "1.00000000000000001", 50), candidate("b", "1.00000000000000002", 50)]
    assert list(best_set(some, rules(50)).amounts) == ["b"]


def test_nothing_at_all_and_a_share_of_nothing_hold():
    share = Limit("axis", "x", Bound.MIN_SHARE, Fraction(1))
    answer = portfolio.solve([candidate("a", 3, 10, axis="y")], rules(0, limits=(share,)))
    assert answer.portfolio == ({}, 0)
    assert answer.clash == []
    assert best_set([], rules(10)) == ({}, 0)
    floor = Limit("axis", "x", Bound.MIN_COUNT, Fraction(1))
    assert portfolio.solve([], rules(10, limits=(floor,))).clash == ["rule[0]"]


def test_a_lock_in_and_out_is_a_clash_and_a_floor_above_the_envelope_too():
    some = [candidate("a", 3, 10, axis="x"), candidate("b", 3, 40, axis="x")]
    both = portfolio.solve(some, rules(50, locked_in=("a",), locked_out=("a",)))
    assert both.clash == ["locked_in", "locked_out"]
    floor = Limit("axis", "x", Bound.MIN_EUROS, Fraction(4_500))
    assert portfolio.solve(some, rules(44, limits=(floor,))).clash == ["budget", "rule[0]"]


def test_next_best_sets_have_other_dossiers_and_robustness_counts_the_draws():
    some = [candidate("a", 5, 50), candidate("b", 4, 50), candidate("c", 3, 40, 20)]
    nexts = portfolio.next_best(some, rules(100), number=9)
    assert [each.portfolio.objective for each in nexts] == [8, 7, 5, 4, 3, 0]
    assert (nexts[0].enters, nexts[0].leaves) == (["c"], ["b"])
    draws = [{"a": Fraction(5), "b": Fraction(4), "c": Fraction(mark)} for mark in (3, 3, 3, 6)]
    found = portfolio.robustness(some, rules(100), draws)
    assert found == ({"a": 1, "b": Fraction(3, 4), "c": Fraction(1, 4)}, 0)
    assert [portfolio.standing(share) for share in (Fraction(19, 20), Fraction(1, 2), Fraction(1, 20))] == list(
        Standing
    )


def test_many_options_are_decided_after_a_relaxation_with_the_gap_told():
    some = [candidate(f"d{n:03}", n % 7 + 1, 1_000 + 37 * n % 911, axis=str(n % 4)) for n in range(450)]
    limits = tuple(Limit("axis", axis, Bound.MAX_EUROS, Fraction(40_000_00)) for axis in "01")
    found = portfolio.robustness(some, rules(100_000, limits=limits), [{each.id: each.score for each in some}])
    assert 0 <= found.gap < 0.01
    taken = [each for each in some if found.shares[each.id]]
    assert sum(each.amounts[0] for each in taken) <= 100_000_00
    exact = best_set(some, rules(100_000, limits=limits)).objective
    assert exact * (1 - Fraction(found.gap)) <= sum(each.score for each in taken) <= exact


def test_what_floating_point_lets_through_is_refused_and_asked_for_again():
    enormous = 10**30
    program = Program([[0], [1]], [Row({0: enormous, 1: enormous + 1}, most=2 * enormous)])
    assert best(program, [1, 1]) in ({0}, {1})


# ---- on files ------------------------------------------------------------------------------------------------------

TABLE = """id,score,amount,levels,axis,org
D1,4.6,30000,24000|18000,1,Cyclo
D2,4.4,25000,,2,Toits
D3,4.1,42000,,2,Toits
D4,3.9,12000.50,,1,Semis
D5,3.2,18000,,3,Relais
D6,2.8,9000,,3,Semis
D7,-1,100,,1,Autre
"""
RULES = """budget = 80000
objective = "score"
locked_out = ["D6"]
[[rule]]
column = "axis"
equals = 2
max_euros = 40000
[[at_most]]
column = "org"
count = 1
"""


@pytest.fixture
def ask(tmp_path, capfd):
    """Give a function that runs the command on a table and rules, and gives its code, output and complaints."""

    def asked(table=TABLE, wanted=RULES, *options):
        (tmp_path / "c.csv").write_text(table)
        (tmp_path / "r.toml").write_text(wanted)
        code = 0
        try:
            main(["select", str(tmp_path / "c.csv"), str(tmp_path / "r.toml"), *options])
        except SystemExit as ended:
            code = ended.code
        return code, *capfd.readouterr()

    return asked


def test_the_command_gives_the_set_its_reasons_and_its_prices(ask):
    code, out, err = ask(TABLE, RULES, "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer["amounts"] == {"D1": 24000, "D2": 25000, "D4": 12000.5, "D5": 18000}
    assert answer["objective"] == 16.1
    assert answer["clash"] == []
    assert list(answer["prices"]) == ["budget", "locked_out", "rule[0]", "at_most[0]"]
    assert {each["id"]: each["reason"].replace("\u00a0", " ") for each in answer["left_out"]} == {
        "D3": "il manque 41 000,50 € dans l’enveloppe ; plafond sur axis « 2 » dépassé de 27 000 € : rule[0] ; "
        "au plus 1 par org, ici « Toits » : at_most[0]",
        "D6": "exclu (locked_out)",
        "D7": "n’ajouterait rien à l’objectif",
    }
    code, out, _ = ask()
    assert code == 0
    assert "12\u00a0000,50\u00a0€" in out


def test_next_sets_and_draws_are_added_when_asked(ask, tmp_path):
    draws = tmp_path / "draws.csv"
    rows = [f"{draw},D{rank},{5 if rank == 3 and draw == 1 else 1}" for draw in (1, 2) for rank in range(1, 8)]
    draws.write_text("draw,id,score\n" + "\n".join(rows))
    _, out, _ = ask(TABLE, RULES, "--json", "--next", "2", "--draws", str(draws))
    answer = json.loads(out)
    assert [(each["enters"], each["leaves"]) for each in answer["next"]] == [(["D7"], []), ([], ["D5"])]
    assert answer["robustness"]["dossiers"]["D6"] == {"share": 0, "standing": "out"}
    assert answer["robustness"]["dossiers"]["D5"] == {"share": 1, "standing": "in"}
    out = ask(TABLE, RULES, "--next", "1", "--draws", str(draws))[1]
    assert "sûrement écarté" in out
    draws.write_text("draw,id,score\n1,D1,3\n1,D1,3\n1,D9,3\n")
    code, out, err = ask(TABLE, RULES, "--draws", str(draws))
    assert (code, out) == (1, "")
    assert "ligne 3 : « D1 » est déjà dans ce tirage" in err
    assert "ligne 4 : « D9 » n’est pas un des dossiers" in err
    draws.write_text("draw,id,score\n1,D1,3\n")
    assert "tirage « 1 » : il manque des dossiers" in ask(TABLE, RULES, "--draws", str(draws))[2]


def test_who_takes_the_place_of_a_dossier_is_told_with_what_it_brings(ask):
    table = "id,score,amount\na,4.5,60\nb,4,60\nc,3,40\nd,3,40\n"
    _, out, _ = ask(table, "budget = 80\nobjective = 'score'\n", "--json")
    reasons = {each["id"]: each["reason"].replace("\u00a0", " ") for each in json.loads(out)["left_out"]}
    assert reasons == {"a": "il manque 60 € dans l’enveloppe", "b": "il manque 60 € dans l’enveloppe"}
    _, out, _ = ask(table, "budget = 60\nobjective = 'count'\n", "--json")
    assert json.loads(out)["left_out"][0]["reason"].endswith("remplacé par « a », à égalité")


def test_a_clash_is_told_and_nothing_is_selected(ask):
    floor = '[[rule]]\ncolumn = "axis"\nequals = "1"\nmin_euros = 90000\n'
    code, out, _ = ask(TABLE, RULES + floor, "--json")
    answer = json.loads(out)
    assert (code, answer["selected"], answer["clash"]) == (0, [], ["rule[1]"])
    assert len(answer["left_out"]) == 7
    assert "rule[1]" in ask(TABLE, RULES + floor)[1]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("D1,3,10,,1,x", "ligne 3 : « D1 » est déjà à la ligne 2"),
        (",3,10,,1,x", "ligne 3 : l’identifiant manque"),
        ("D9,bon,10,,1,x", "ligne 3 : « bon » n’est pas une note"),
        ("D9,NaN,10,,1,x", "ligne 3 : « NaN » n’est pas une note"),
        ("D9,1e99,10,,1,x", "ligne 3 : « 1e99 » n’est pas une note"),
        ("D9,3,-10,,1,x", "ligne 3 : « -10 » n’est pas un montant"),
        ("D9,3,10.123,,1,x", "ligne 3 : « 10.123 » se lit de deux façons"),
        ("D9,3,10,11,1,x", "ligne 3 : le niveau 11\u00a0€ dépasse le montant"),
        ("D9,3,10,0|5,1,x", "ligne 3 : un niveau est de zéro euro"),
        ("D9,3,10,5|5.00,1,x", "ligne 3 : le niveau 5\u00a0€ est écrit deux fois"),
        ("D9,3,10,5|,1,x", "ligne 3 : «  » n’est pas un montant"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_by_its_line(ask, line, problem):
    code, out, err = ask(
        "id,score,amount,levels,axis,org\nD1,3,30,10|20,1,x\n" + line + "\n", "budget = 1\nobjective = 'count'"
    )
    assert (code, out) == (1, "")
    assert problem in err


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        ("objective = 'score'", "« budget » manque"),
        ("budget = 3", "« objective » manque"),
        ("budget = 3\nobjective = 'best'", "objective : « best » n’est pas un objectif"),
        *(
            (f"objective = 'score'\nbudget = {value}", "budget : «")
            for value in ("nan", "inf", "-1", "1.005", "'3'", "true", "1" + "0" * 400)
        ),
        (RULES.replace("budget", "budgett"), "« budgett » n’est pas connu"),
        (RULES.replace("D6", "D66"), "locked_out : « D66 » n’est pas dans la table"),
        (RULES.replace('["D6"]', '"D6"'), "locked_out : ce n’est pas une liste"),
        (RULES.replace("max_euros = 40000", ""), "rule[0] : 0 bornes au lieu d’une"),
        (RULES.replace("max_euros = 40000", "max_euros = 4\nmin_euros = 3"), "rule[0] : 2 bornes au lieu d’une"),
        (RULES.replace("max_euros", "max_euro"), "rule[0] : « max_euro » n’est pas connu"),
        (RULES.replace("max_euros = 40000", "min_share = 1.01"), "rule[0] : min_share, « 1.01 » n’est pas une part"),
        (RULES.replace("max_euros = 40000", "min_count = -1"), "rule[0] : min_count, « -1 » n’est pas un nombre"),
        (RULES.replace("max_euros = 40000", "min_count = 1.5"), "rule[0] : min_count, « 1.5 » n’est pas un nombre"),
        (RULES.replace('"axis"', '"axe"'), "rule[0] : la table n’a pas de colonne « axe »"),
        (RULES.replace("equals = 2", "equals = true"), "rule[0] : « equals » manque"),
        (f"budget = 1{'0' * 5000}\nobjective = 'rank'", "ce n’est pas du TOML"),
        (f"budget = {'[' * 5000}", "ce n’est pas du TOML"),
        (RULES.replace("count = 1", f"count = 1{'0' * 400}"), "n’est pas un nombre de dossiers"),
        (RULES.replace("count = 1", "count = -1"), "at_most[0] : « -1 » n’est pas un nombre"),
        (RULES.replace("[[at_most]]", "[at_most]"), "at_most : s’écrit [[at_most]]"),
        ("rule = 3\nbudget = 3\nobjective = 'rank'", "rule : s’écrit [[rule]]"),
    ],
)
def test_rules_that_cannot_be_used_are_refused_by_their_key(ask, wanted, problem):
    code, out, err = ask(TABLE, wanted)
    assert (code, out) == (1, "")
    assert problem in err


def test_identifiers_may_be_written_as_numbers(ask):
    code, out, _err = ask(
        "id,score,amount\n1,3,10\n2,4,10\n", "budget = 10\nobjective = 'score'\nlocked_in = [1]", "--json"
    )
    assert (code, json.loads(out)["selected"]) == (0, ["1"])


def test_too_many_candidates_are_refused_in_words(ask):
    code, out, err = ask("id,score,amount\n" + "".join(f"d{n},3,10\n" for n in range(3_001)), RULES)
    assert (code, out) == (1, "")
    assert "plus de 3000 lignes" in err
