"""Printed documents: whatever people wrote prints, under both standards, twice the same, read aloud in order."""

import io
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest
import typst
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grants.kernel.glyphs import _PLAIN, DRAWABLE, SERIF, UNKNOWN, drawable
from grants.kernel.papers import render
from grants.kernel.text import composed
from tests.papers import words_of

pytestmark = pytest.mark.neutral

AT = datetime(2019, 2, 14, 16, 0, tzinfo=UTC)
FACTS = {
    "reference": "FIS-2019-0042",
    "letterhead": {"lines": ["Mission innovation sociale", "69003 Lyon"]},
    "recipient": ["Association Les Lônes", "69009 Lyon"],
    "text": "Madame,\n\nVotre dossier comprend :\n- un budget ;\n- deux pièces.\n\nMerci.",
    "facts": [["Dossier", "FIS-2019-0042"], ["Montant demandé", "15 000 €"]],
    "axes_title": "Axes",
    "shares": [["A1", "Habitat", 1, 60], ["A4", "Pouvoir d’agir", 4, 40]],
    "budget_title": "Budget",
    "caption": "Charges",
    "columns": [["Compte", "left"], ["Intitulé", "left", 1], ["Montant", "right"]],
    "rows": [["60", "Achats", "6 200 €"]],
    "total": ["", "Total", "6 200 €"],
    "notice": "Gardez ce courrier.",
    "signatures": [["Pour la Métropole", ["Le président"]], ["Pour l’association", ["La présidente"]]],
}


@pytest.fixture
def specimen(app, tmp_path, monkeypatch):
    """Give a function that prints the specimen, which uses every piece of the page."""
    folder = tmp_path / "papers"
    shutil.copytree(Path(app.template_folder) / "papers", folder)
    shutil.copy(Path(__file__).with_name("specimen.typ"), folder)
    monkeypatch.setattr(app, "template_folder", str(tmp_path))

    def print_it(*, title="Accusé de réception", language="fr", at=AT, **changes):
        return render("specimen", {**FACTS, **changes}, at=at, title=title, language=language)

    return print_it


def test_the_page_declares_both_standards_its_language_and_its_title(specimen):
    with pikepdf.open(io.BytesIO(specimen())) as pdf:
        meta = pdf.open_metadata()
        assert meta["pdfaid:part"] == "2"
        assert meta["pdfaid:conformance"] == "A"
        assert meta["pdfuaid:part"] == "1"
        assert str(pdf.Root.Lang).startswith("fr")
        assert meta["dc:title"] == "Accusé de réception"
        assert pdf.Root.ViewerPreferences.DisplayDocTitle
        assert pdf.Root.MarkInfo.Marked


def tags_of(pdf):
    found = []

    def walk(node):
        if isinstance(node, pikepdf.Array):
            for each in node:
                walk(each)
        elif isinstance(node, pikepdf.Dictionary):
            if "/S" in node:
                found.append(str(node.S))
            if "/K" in node:
                walk(node.K)

    walk(pdf.Root.StructTreeRoot)
    return found


def test_tables_lists_and_headings_are_told_to_a_screen_reader(specimen):
    with pikepdf.open(io.BytesIO(specimen())) as pdf:
        tags = tags_of(pdf)
    assert tags.count("/H1") == 1
    assert tags.count("/H2") == 2
    assert tags.count("/Table") == 1
    assert tags.count("/TH") == 3
    assert tags.count("/LI") == 2


def test_a_table_over_several_pages_stays_one_table(specimen):
    with pikepdf.open(io.BytesIO(specimen(rows=[["60", "Achats", "6 200 €"]] * 120))) as pdf:
        assert len(pdf.pages) > 2
        assert tags_of(pdf).count("/Table") == 1


def test_the_same_facts_give_the_same_bytes_and_another_instant_others(specimen):
    assert specimen() == specimen()
    assert specimen() != specimen(at=datetime(2019, 2, 15, 16, 0, tzinfo=UTC))


def test_the_page_speaks_the_reader_s_language(specimen):
    with pikepdf.open(io.BytesIO(specimen(language="en"))) as pdf:
        assert str(pdf.Root.Lang).startswith("en")
        # The months are written by the calendar of the language, whatever is translated yet.
        assert "February" in words_of(specimen(language="en"))


@pytest.mark.parametrize(
    "text",
    ['#read("/etc/passwd")', "*gras* _it_ $x$ <l> @l `c` // c", '#import "page.typ"', "= titre", "\\u{41} ~ --- ..."],
)
def test_markup_in_a_text_is_printed_as_typed(specimen, text):
    pdf = specimen(text=text)
    assert "".join(text.split()) in words_of(pdf)


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("Les amis 👩‍👩‍👧 ❤️", f"Les amis {UNKNOWN} ❤"),
        ("漢字漢字", UNKNOWN),
        ("a\u202efdp\x00\x07b\u200d", "afdpb"),
        ("e\u0301", "é"),
        ("１２ 𝒳", "12 𝒳"),
        ("un\r\ndeux\u2028trois\tquatre", "un\ndeux\ntrois quatre"),
        ("\ud800x", "x"),
    ],
)
def test_what_cannot_be_drawn_is_left_out_or_squared(given, printed):
    assert drawable(given) == printed


def compiles(folder, text):
    """Print a text in every style, straight, so that a failure is the text's."""
    source = folder / "styles.typ"
    source.write_text(
        '#set document(title: "x")\n#set text(font: "Libertinus Serif", lang: "fr")\n'
        "#let s = json(bytes(sys.inputs.s))\n= Titre #s\n#text(s) #strong(s) #emph(s) #text(weight: 600, s)\n"
    )
    return typst.compile(
        str(source), root=str(folder), format="pdf", ignore_system_fonts=True, pdf_standards=["a-2a", "ua-1"],
        sys_inputs={"s": json.dumps(text)}, timestamp=0,
    )  # fmt: skip


def test_what_is_drawn_as_it_is_needs_no_reading():
    plain = [chr(point) for point in range(0x2200) if _PLAIN.fullmatch(chr(point))]
    assert len(plain) > 190
    assert all(character == "\n" or ord(character) in SERIF for character in plain)
    assert all(composed("e" + character) == "e" + character for character in plain)


def test_every_character_said_drawable_is_drawn(tmp_path):
    assert compiles(tmp_path, " ".join(chr(point) for point in sorted(DRAWABLE)))
    assert compiles(tmp_path, " ".join("e" + chr(point) for point in sorted(SERIF)))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.text(alphabet=st.characters(), max_size=120))
def test_any_text_prints(tmp_path, text):
    assert compiles(tmp_path, drawable(text)).startswith(b"%PDF-")


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.text(alphabet=st.sampled_from([chr(point) for point in sorted(DRAWABLE)] + list("ِّْ́̈̀‍️a")), max_size=80))
def test_any_mixture_of_scripts_and_marks_prints(tmp_path, text):
    assert compiles(tmp_path, drawable(text)).startswith(b"%PDF-")


def test_the_application_starts_without_the_printer():
    code = (
        "import sys, tempfile\n"
        "from grants import create_app\n"
        "from grants.config import settings_from\n"
        "create_app(settings_from({'GRANTS_INSTANCE': tempfile.mkdtemp()}))\n"
        "sys.exit(any(name.partition('.')[0] in {'typst', 'numpy', 'highspy'} for name in sys.modules))"
    )
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
