"""Printed documents: plain facts set on the page of the house, as accessible archive PDF, always the same bytes."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import current_app

from grants.kernel import pages
from grants.kernel.glyphs import all_drawable
from grants.kernel.words import _, force_locale


def render(template: str, data: dict[str, Any], *, at: datetime, title: str, language: str) -> bytes:
    """Set `data` by templates/papers/<template>.typ; the same input and instant give the same bytes.

    The data are plain values (texts already worded in `language`, amounts already written) and reach the page as inert
    text; what the fonts cannot draw is replaced. Optional keys read by the page itself: `reference`, and `letterhead`
    with `body`, `fund`, `lines` (of the service) in place of the settings'. Raises RuntimeError when the template does
    not hold, or breaks the standards (PDF/A-2a, PDF/UA-1).
    """
    # Heavy, and only the worker and a few pages print: a web worker must be able to start without it.
    import typst  # noqa: PLC0415

    folder = Path(str(current_app.template_folder)) / "papers"
    return typst.compile(
        str(folder / f"{template}.typ"),
        root=str(folder),
        format="pdf",
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(all_drawable({**data, "house": _house(data, at, title, language)}))},
        pdf_standards=["a-2a", "ua-1"],
        timestamp=at.astimezone(UTC).replace(microsecond=0),
    )


def _house(data: dict[str, Any], at: datetime, title: str, language: str) -> dict[str, Any]:
    """What every page says of itself, in the reader's language."""
    settings = current_app.config["SETTINGS"]
    with force_locale(language):
        return {
            "body": settings.body_name,
            "fund": settings.fund_name,
            "lines": [],
            **data.get("letterhead", {}),
            "title": title,
            "reference": data.get("reference", ""),
            "language": language,
            "date": _("Le %(day)s", day=pages.day(at)),
            "page": _("Page {n} sur {all}"),
        }
