"""What the announced minutes rest on: how much of the room for a text the dossiers of the demonstration take."""

import pytest

from grants.applications.parts import PARTS, effort
from grants.applications.parts.fields import LongText
from grants.applications.parts.part import Part
from grants.demo import content
from grants.kernel import reference_files

pytestmark = pytest.mark.neutral


def test_texts_take_the_share_of_their_room_that_is_announced():
    limits = {row["code"]: row["max_length"] for row in reference_files.toml("questions.toml")["questions"]
              if row["kind"] == "long"}  # fmt: skip
    summary = next(field for field in PARTS[Part.PROJECT].columns if field.name == "summary")
    participation = next(field for field in PARTS[Part.PEOPLE].columns if field.name == "text")
    assert isinstance(summary, LongText)
    assert isinstance(participation, LongText)
    written = allowed = 0
    for dossier in content.dossiers():
        texts = [(text.strip(), limits[code]) for code, text in dossier.part("answers").items() if code in limits]
        texts += [(dossier.part("project").get("summary", ""), summary.limit),
                  (dossier.part("participation").get("text", ""), participation.limit)]  # fmt: skip
        texts += [(row["text"], 1500) for row in dossier.rows("justice")]
        texts += [(row.get("proof", ""), 1500) for row in dossier.rows("climate")]
        written += sum(len(text) for text, _limit in texts if text)
        allowed += sum(limit for text, limit in texts if text)
    assert abs(100 * written / allowed - effort.WRITTEN) < 2, 100 * written / allowed
