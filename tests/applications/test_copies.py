"""A dossier copied by the tests' maker leaves in the database what a dossier written page by page leaves."""

import re
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select

from grants.applications.lifecycle import ApplicationState
from grants.kernel import clock
from grants.kernel.db import Base, db
from tests.factories import Make, copies

pytestmark = pytest.mark.neutral

IDS = re.compile("[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32,64}")


def rows() -> Counter[str]:
    """Every row of the database."""
    found: Counter[str] = Counter()
    for table in Base.metadata.sorted_tables:
        found.update(f"{table.name} {dict(row)}" for row in db.session.connection().execute(select(table)).mappings())
    db.session.rollback()
    return found


def plain(row: str) -> str:
    """A row without ids, instants, and the numbers that are never twice the same."""
    row = re.sub(r"datetime\.datetime\([^)]*\)+|\d{4}-\d\d-\d\dT[\d:.+]+", "at", IDS.sub("id", row))
    return re.sub(
        r"\d{4,}|(?<=\w )\d+|(?<='id': )\d+|(?<='seq': )\d+|(?<='value': )\d+|(?<='word': ')\d+|\d+(?=@)", "0", row
    )


@pytest.mark.parametrize("options", [{}, {"complete": False}, {"instrument": "development"}], ids=str)
def test_a_dossier_that_is_copied_is_like_one_that_is_written(
    make: Make, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    state = ApplicationState.DRAFT if options else ApplicationState.SUBMITTED
    make.application(state=state, **options)  # what a fund writes once, with its first dossier, is there
    monkeypatch.setattr(copies, "KNOWN", {})
    left, instant = [], clock.now()
    for call in (make.call(), make.call()):
        association = make.organisation()
        before = rows()
        with clock.fixed(instant):
            make.application(state=state, call=call, organisation=association, **options)
        left.append(rows() - before)
    assert len(copies.KNOWN) == 1, "the second one was copied"
    written, copied = (Counter(plain(row) for row in added.elements()) for added in left)
    assert sorted(written - copied) == sorted(copied - written) == []
    assert written.total() > (14 if options.get("complete", True) else 2)
