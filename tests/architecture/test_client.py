"""The page client refuses invalid pages, also when it has just seen one that differs from them by little."""

import pytest

from tests.client import invalid, shape_of

pytestmark = pytest.mark.neutral

PAGE = (
    '<!doctype html><html lang="fr"><head><title>Liste</title></head><body><h1>Liste</h1><table><tr><td>'
    '<input type="hidden" name="a" value="1">Un texte</td></tr></table><p class="b">Deux &amp; trois</p></body></html>'
)
FAULTS = {
    "an element that is not closed": ("</p>", "</b>"),
    "an attribute given twice": ('class="b"', 'class="b" class="c"'),
    "a field in a table outside its cells": ("<table><tr>", '<table><tr><input type="text" name="b">'),
    "a reference to nothing": ("&amp;", "&nothing;"),
    "a reference in a value": ('value="1"', 'value="&nothing;"'),
    "a value without its end": ('class="b"', 'class="b'),
    "a character that no page may hold": ("Deux", "De\x01ux"),
    "an element where none may stand": ("<tr><td>", "<tr><p><td>"),
}


def test_pages_that_differ_by_plain_words_alone_have_one_shape() -> None:
    other = PAGE.replace("Un texte", "D’autres mots, 12 €").replace('value="1"', 'value="token-Zq9_"')
    assert shape_of(other) == shape_of(PAGE) != shape_of(PAGE.replace('type="hidden"', 'type="text"'))
    assert invalid(PAGE) == invalid(other) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_shows_beside_a_valid_page_that_is_remembered(fault: str) -> None:
    assert not invalid(PAGE)
    before, after = FAULTS[fault]
    assert before in PAGE
    assert invalid(PAGE.replace(before, after, 1)), fault
    assert invalid(PAGE.replace(before, after, 1)), "an invalid page is not remembered as a valid one"
