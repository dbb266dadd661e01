"""Forms of screening: the gates one by one, the reason of a refusal, the piece asked for, the file that answers."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, HiddenField, RadioField, SelectField

from grants.calls.models import Gate, Piece
from grants.kernel.forms import DayField, Form, LineField, LongField, Required, options
from grants.kernel.versions import VersionField
from grants.kernel.words import _, _l, in_words_of
from grants.screening.rules import Judgement, Outcome

FOUND = {"yes": True, "no": False, "": None}
CODES = {found: code for code, found in FOUND.items()}


class GatesForm(Form):
    """Every gate of a call: what a manager finds, and why. Build it with `gates_form`."""

    version = VersionField()
    then = HiddenField()
    gates: Sequence[Gate] = ()

    def judgements(self) -> dict[UUID, Judgement]:
        """What was found, by gate."""
        return {
            gate.id: Judgement(FOUND[self[f"gate-{gate.id.hex}"].data], self[f"note-{gate.id.hex}"].data or "")
            for gate in self.gates
        }


def gates_form(gates: Sequence[Gate], outcomes: Sequence[Outcome], version: int) -> GatesForm:
    """The form of these gates, filled with what people found so far."""
    fields: dict[str, object] = {"gates": gates}
    for gate, outcome in zip(gates, outcomes, strict=True):
        unsaid = _("Suivre le calcul") if gate.computed else _("Pas encore jugée")
        fields[f"gate-{gate.id.hex}"] = RadioField(
            in_words_of(gate, "title"),
            choices=options([("", unsaid), ("yes", _("Remplie")), ("no", _("Non remplie"))]),
            default=CODES[outcome.found],
        )
        fields[f"note-{gate.id.hex}"] = LineField(
            _("Note sur « %(title)s »", title=in_words_of(gate, "title")), limit=1000, default=outcome.note
        )
    built = type("BoundGatesForm", (GatesForm,), fields)
    form: GatesForm = built(data={"version": version})
    return form


class ExcludeForm(Form):
    """Why the application is not examined."""

    version = VersionField()
    reason = LongField(
        _l("Motif"),
        [Required(_l("Dites à l’association pourquoi son dossier n’est pas recevable."))],
        limit=4000,
        description=_l("L’association lira ce texte tel quel. Dites le fait, puis la règle de l’appel."),
    )


class RequestedPieceForm(Form):
    """A piece asked of the applicant."""

    piece = SelectField(_l("Pièce"), description=_l("Une pièce de l’appel, ou une autre que vous nommez."))
    label = LineField(_l("Autre pièce ou précision attendue"), limit=200)
    message = LongField(
        _l("Message à l’association"),
        limit=2000,
        description=_l("Dites ce qui manque ou ce qui n’est pas lisible, et pourquoi vous en avez besoin."),
    )
    due_on = DayField(_l("À fournir au plus tard le"), [Required()])

    def offer(self, pieces: Sequence[Piece], missing: Sequence[Piece]) -> None:
        """Offer the pieces of the call, those that are missing first."""
        absent = {piece.id for piece in missing}
        ordered = [piece for piece in pieces if piece.id in absent] + [p for p in pieces if p.id not in absent]
        words = {
            str(piece.id): _("%(piece)s (absente du dossier)", piece=in_words_of(piece, "label"))
            if piece.id in absent
            else in_words_of(piece, "label")
            for piece in ordered
        }
        self.piece.choices = options([("", _("Autre pièce")), *words.items()])

    def values(self, pieces: Sequence[Piece]) -> dict[str, Any]:
        """What is asked for: a piece of the call (None for another one), its name, the message, the day it is due."""
        by_id: Mapping[str, Piece] = {str(piece.id): piece for piece in pieces}
        return {
            "piece": by_id.get(self.piece.data),
            "label": self.label.data or "",
            "message": self.message.data or "",
            "due_on": self.due_on.data,
        }


class WaiverForm(Form):
    """Why a piece that was asked for is given up."""

    reason = LongField(
        _l("Motif"), [Required()], limit=1000,
        description=_l("L’association le lit, par courriel et à la page des pièces demandées."),
    )  # fmt: skip


class AnswerForm(Form):
    """The file that answers a request, perhaps to be kept for the next dossiers."""

    file = FileField(_l("Fichier"), [FileRequired(_l("Choisissez un fichier."))])
    keep = BooleanField(_l("Garder aussi dans les documents de l’organisation, pour les prochains dossiers"))
