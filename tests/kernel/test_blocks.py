"""What a page says, as blocks to print."""

import pytest

from grants.kernel.blocks import blocks_of

pytestmark = pytest.mark.neutral


def test_headings_texts_lists_and_facts_are_told_in_their_order():
    html = """<section><h2 id="x">Le projet</h2><div class="keep-lines">Un
deux &lt;b&gt;</div><p>Trois <b>quatre</b><br>cinq</p><ul><li>six
 sept</li><li>huit</li></ul><dl><div><dt>Du</dt><dd>1er mai</dd></div></dl><br><span>neuf</span></section>"""
    assert blocks_of(html) == [
        {"kind": "heading", "level": 2, "text": "Le projet"},
        {"kind": "text", "text": "Un\ndeux <b>"},
        {"kind": "text", "text": "Trois quatre\ncinq"},
        {"kind": "list", "items": ["six sept", "huit"]},
        {"kind": "facts", "pairs": [("Du", "1er mai")]},
        {"kind": "text", "text": "neuf"},
    ]


def test_a_table_keeps_its_columns_and_a_hidden_caption_is_not_printed():
    rows = '<tbody><tr><td colspan="2">Aucune ligne</td></tr></tbody><tfoot><tr><th>Total</th><td>0 €</td></tr></tfoot>'
    head = '<thead><tr><th>Compte</th><th class="amount">Montant</th></tr></thead>'
    html = f'<table><caption class="{{}}">Charges</caption>{head}{rows}</table>'
    table = {
        "kind": "table", "columns": [("Compte", "left"), ("Montant", "right")], "rows": [["Aucune ligne", ""]],
        "total": ["Total", "0 €"],
    }  # fmt: skip
    assert blocks_of(html.format("")) == [{**table, "caption": "Charges"}]
    assert blocks_of(html.format("visually-hidden")) == [{**table, "caption": ""}]


def test_the_shares_of_a_band_are_a_list():
    html = '<p class="band-legend"><span><b>A1</b> Habitat <b>60 %</b></span><span><b>A4</b> Pouvoir</span></p>'
    assert blocks_of(html) == [{"kind": "list", "items": ["A1 Habitat 60 %", "A4 Pouvoir"]}]
