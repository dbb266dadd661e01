"""Finds functions, classes and imports that nobody uses: a template or a migration uses, a test alone does not.

Fields and columns are left out: forms, mappers and templates reach them by name.
"""

import re
import sys
import tomllib
from pathlib import Path

from vulture import Vulture

ROOT = Path(__file__).resolve().parent.parent
KINDS = {"function", "method", "property", "class", "import", "unreachable_code"}
EXPRESSION = re.compile(r"\{[{%](.*?)[%}]\}", re.DOTALL)
NAME = re.compile(r"[A-Za-z_]\w+")


def named_in_templates() -> set[str]:
    """Give every identifier that stands in a Jinja expression or statement."""
    return {
        name
        for path in (ROOT / "templates").rglob("*.*")
        for expression in EXPRESSION.findall(path.read_text(encoding="utf-8"))
        for name in NAME.findall(expression)
    }


def called_by_migrations() -> set[str]:
    """Give the names of ours that migrations call: they are loaded by path and not judged themselves."""
    versions = (ROOT / "grants" / "migrations" / "versions").glob("*.py")
    return {name for path in versions for name in re.findall(r"\bevidence\.(\w+)", path.read_text(encoding="utf-8"))}


def main() -> None:
    """Print each finding with its place and leave with 1 if there is one."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["vulture"]
    vulture = Vulture(ignore_names=settings["ignore_names"], ignore_decorators=settings["ignore_decorators"])
    vulture.scavenge([str(ROOT / path) for path in settings["paths"]], exclude=settings["exclude"])
    vulture.used_names |= named_in_templates() | called_by_migrations()
    found = [item for item in vulture.get_unused_code() if item.typ in KINDS]
    for item in found:
        print(f"{item.filename.relative_to(ROOT)}:{item.first_lineno}: {item.message}")
    if found:
        sys.exit(f"code mort : {len(found)} trouvaille(s)")
    print("code mort : aucun")


if __name__ == "__main__":
    main()
