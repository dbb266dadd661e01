"""Keeps the English catalogue in step with the French words of the code: update, compile, check.

French is the source language: a msgid is the French sentence itself, so French needs no catalogue of its own.
"""

import ast
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
TRANSLATIONS = ROOT / "grants" / "translations"
ENGLISH = TRANSLATIONS / "en" / "LC_MESSAGES" / "messages.po"
TELLING = {"_", "_l", "n_"}
STRAIGHT_APOSTROPHE = re.compile(r"\w'\w")


def pybabel(*arguments: str) -> None:
    """Run one pybabel command in this process."""
    CommandLineInterface().run(["pybabel", "--quiet", *arguments])


def extract(template: Path) -> None:
    """Write every French sentence of the code and the templates into `template`."""
    pybabel(
        "extract",
        "--mapping-file=pyproject.toml",
        *("--keywords=_l", "--keywords=n_:1,2"),
        *("--add-comments=Translators:", "--strip-comments"),
        *("--add-location=file", "--sort-output", "--width=120", "--project=traboule"),
        f"--output-file={template}",
        ".",
    )


def update() -> None:
    """Bring the English catalogue to the present words; new ones arrive empty, forgotten ones leave."""
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder, "messages.pot")
        extract(template)
        if not ENGLISH.exists():
            begin()
        pybabel(
            "update",
            *("--no-fuzzy-matching", "--ignore-obsolete", "--ignore-pot-creation-date", "--width=120"),
            *("--locale=en", f"--input-file={template}", f"--output-file={ENGLISH}"),
        )
    empty = sum(1 for message in catalogue(ENGLISH) if message.id and not is_translated(message))
    print(f"{ENGLISH.relative_to(ROOT)} : {empty} phrase(s) à traduire")


def begin() -> None:
    """Write an English catalogue without words, for `update` to fill."""
    empty = Catalog(
        locale="en",
        project="Traboule",
        version="1",
        header_comment="# The English words of Traboule. The identifiers are the French sentences themselves.",
        msgid_bugs_address="docs/contributing.md",
        revision_date=datetime.now(UTC),
        last_translator="Traboule",
        language_team="Traboule",
        fuzzy=False,
    )
    ENGLISH.parent.mkdir(parents=True, exist_ok=True)
    with ENGLISH.open("wb") as stream:
        write_po(stream, empty, width=120)


def compile_all() -> None:
    """Write the .mo files that are older than their .po."""
    for source in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        whole = target.with_name(f"{target.name}.new")
        with whole.open("wb") as stream:
            write_mo(stream, catalogue(source))
        whole.replace(target)


def catalogue(source: Path) -> Catalog:
    """Read one .po or .pot."""
    with source.open("rb") as stream:
        return read_po(stream, locale="en" if source == ENGLISH else None)


def is_translated(message: Message) -> bool:
    """Say whether every form of the message has words and no doubt is left on them."""
    forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return all(forms) and not message.fuzzy


def words(message: Message) -> str:
    """Give the French sentence of a message (the singular where there are two)."""
    return message.id if isinstance(message.id, str) else message.id[0]


def faults() -> list[str]:
    """List what is wrong, one line each; empty when the catalogue says everything the code says."""
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder, "messages.pot")
        extract(template)
        source = {
            message.id if isinstance(message.id, str) else message.id[0]: message for message in catalogue(template)
        }
    source.pop("", None)
    found = [
        f"apostrophe droite (écrire ’) : {said!r} ({', '.join(path for path, _ in message.locations)})"
        for said, message in source.items()
        if any(STRAIGHT_APOSTROPHE.search(form) for form in ([said] if isinstance(message.id, str) else message.id))
    ]
    found += unread()
    if not ENGLISH.exists():
        return [*found, *(["catalogue anglais absent : make translations"] if source else [])]
    english = catalogue(ENGLISH)
    known = {words(message): message for message in english if message.id}
    found += [f"absente du catalogue anglais (make translations) : {said!r}" for said in source.keys() - known.keys()]
    found += [f"n’existe plus dans le code (make translations) : {said!r}" for said in known.keys() - source.keys()]
    found += [f"à traduire en anglais : {said!r}" for said, message in known.items() if not is_translated(message)]
    found += [f"{words(message)!r} : {error}" for message, errors in english.check() for error in errors if message.id]
    return sorted(found)


def unread() -> list[str]:
    """The messages told inside f-strings, which extraction reads or not, as the version of Python goes."""
    return [
        f"dans un texte à accolades : {ast.unparse(call)} ({file.relative_to(ROOT)}, ligne {call.lineno})"
        for file in sorted((ROOT / "grants").rglob("*.py"))
        for text in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in TELLING
    ]


def check() -> None:
    """Print the faults and leave with 1 if there is one."""
    found = faults()
    for fault in found:
        print(fault)
    if found:
        sys.exit(f"traductions : {len(found)} défaut(s)")
    print("traductions : complètes")


if __name__ == "__main__":
    verbs = {"update": update, "compile": compile_all, "check": check}
    if len(sys.argv) != 2 or sys.argv[1] not in verbs:
        sys.exit(f"usage : {sys.argv[0]} {'|'.join(verbs)}")
    verbs[sys.argv[1]]()
