"""Fills any form of a page with something plausible in every field, without knowing which form it is."""

from typing import Any

from grants.demo.install import PASSWORD
from grants.kernel import clock
from tests.client import form_values
from tests.kernel.corpus import pdf

Pairs = list[tuple[str, Any]]
BY_KIND = {"email": "essai@exemple.example", "password": PASSWORD, "number": "12", "time": "12:00", "tel": "0472000000",
           "url": "https://exemple.example"}  # fmt: skip
BY_KEYPAD = {"numeric": "12", "decimal": "100"}
SKIPPED = {"hidden", "submit", "button", "image", "reset", "file", "checkbox", "radio"}


def plausible(form: Any) -> tuple[Pairs, Pairs]:
    """What a person in a hurry would send: what stands there, first choices, a word or a number where it was empty.

    Gives the fields and the files.
    """
    pairs: Pairs = list(form_values(form))
    held = {name for name, value in pairs if value}
    files = []
    for control in form.xpath(".//input[@name] | .//select[@name] | .//textarea[@name]"):
        name, kind = control.get("name"), control.get("type", "text")
        if control.get("disabled") is not None or name in held:
            continue
        if kind == "file":
            files.append((name, ("essai.pdf", pdf(), "application/pdf")))
            held.add(name)
            continue
        value = _value(control, kind)
        if value is not None:
            pairs = [pair for pair in pairs if pair[0] != name] + [(name, value)]
            held.add(name)
    return [*pairs, *_button(form)], files


def _value(control: Any, kind: str) -> str | None:
    if control.tag == "select":
        return next(filter(None, control.xpath(".//option/@value")), None)
    if kind in {"checkbox", "radio"}:
        return control.get("value", "on") or None
    if kind == "date":
        return clock.today().isoformat()
    if kind == "datetime-local":
        return f"{clock.today().isoformat()}T12:00"
    if control.tag != "textarea" and kind in SKIPPED:
        return None
    return BY_KIND.get(kind) or BY_KEYPAD.get(control.get("inputmode", "")) or "Un essai."


def _button(form: Any) -> Pairs:
    """The name of the one button pressed, where it has one."""
    buttons = form.xpath(".//button[@type='submit'] | .//button[not(@type)]")
    return [(button.get("name"), button.get("value") or "1") for button in buttons[-1:] if button.get("name")]
