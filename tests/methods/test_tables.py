"""Tables and rules given as files: read strictly, refused by line number, all problems at once."""

import pytest

from grants.methods.clashes import smallest_clash
from grants.methods.tables import UnreadableError, each_row, euros, read_rules, read_table

pytestmark = pytest.mark.neutral


@pytest.fixture
def file(tmp_path):
    """Give a function that writes a file and gives its path."""

    def written(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


@pytest.mark.parametrize(
    "content",
    [
        "id,amount\na,12\nb,13\n",
        "id;amount\r\na;12\r\nb;13\r\n",
        "id\tamount\na\t12\nb\t13",
        "\ufeffid,amount\n\n a , 12 \n,\nb,13\n",
    ],
)
def test_a_table_is_read_whatever_its_separator(file, content):
    assert [row.cells for row in read_table(file(content), ["id", "amount"])] == [
        {"id": "a", "amount": "12"},
        {"id": "b", "amount": "13"},
    ]


def test_the_number_of_a_line_is_that_of_the_file_even_after_a_cell_of_two_lines(file):
    rows = read_table(file('id,name\na,"one\ntwo"\n\nb,x\u2028y\n'), ["id"])
    assert [row.line for row in rows] == [2, 5]
    assert rows[1].cells["name"] == "x\u2028y"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "aucune ligne"),
        ("id,amount\n", "aucune ligne"),
        ("id,id,amount\na,b,1\n", "ligne 1 : la colonne « id » est écrite deux fois"),
        ("id\na\n", "ligne 1 : il manque la colonne « amount »"),
        ("id,amount\na,1\nb\nc,1,2\n", "ligne 3 : 1 cellules, 2 attendues\ntable.csv, ligne 4 : 3 cellules"),
        (b"id,amount\na,\xff\n", "UTF-8"),
        ('id,amount\na,"1\n', "ligne 2 : guillemets"),
        ("id,amount\n" + "a,1\n" * 101, "plus de 100 lignes"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_words(file, content, problem):
    with pytest.raises(UnreadableError) as refused:
        read_table(file(content), ["id", "amount"], most=100)
    assert problem in str(refused.value)


def test_every_wrong_line_is_told_twenty_at_most(file):
    path = file("id,amount\n" + "a,NaN\n" * 30)
    with pytest.raises(UnreadableError) as refused:
        each_row(path, read_table(path, ["id", "amount"]), lambda row: euros(row.cells["amount"]))
    assert refused.value.problems[0] == "table.csv, ligne 2 : « NaN » n’est pas un montant en euros"
    assert len(refused.value.problems) == 21
    assert refused.value.problems[-1] == "et 10 autres lignes refusées"


@pytest.mark.parametrize("text", ["1e5", "١٢", "-3", "12.345", "1,234", "12,5 %", ""])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="«"):
        euros(text)


def test_rules_that_are_not_known_are_refused(file):
    with pytest.raises(UnreadableError, match="« budgett » n’est pas connu"):
        read_rules(file("budgett = 3", "rules.toml"), ["budget"])
    with pytest.raises(UnreadableError, match="TOML"):
        read_rules(file("budget = ", "rules.toml"), ["budget"])
    with pytest.raises(UnreadableError, match="ne s’ouvre pas"):
        read_rules(file("", "x").parent / "absent.toml", [])


def test_the_smallest_clash_is_the_first_of_its_size_in_the_rules_order():
    clashes = [{1, 4, 5}, {2, 3}, {2, 5}, {0, 1, 2}]
    asked = []

    def holds(ranks):
        asked.append(ranks)
        return not any(clash <= ranks for clash in clashes)

    assert smallest_clash(6, holds) == (2, 3)
    assert len(asked) == len(set(asked))
    assert smallest_clash(6, lambda _: True) == ()
    assert smallest_clash(6, lambda _: False) == ()


def test_rules_that_nothing_satisfies_alone_are_told_alone():
    assert smallest_clash(3, lambda ranks: 1 not in ranks) == (1,)
