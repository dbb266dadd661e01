"""What people type about calls: the two-minute check, and everything a manager writes before the opening."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any
from uuid import UUID

from wtforms import BooleanField, HiddenField, RadioField, SelectField
from wtforms import Form as PlainForm
from wtforms.validators import InputRequired, Optional, Regexp

from grants.calls import rules
from grants.calls.models import (
    Block,
    Call,
    CallInstrument,
    Criterion,
    Gate,
    Piece,
    Question,
    QuestionKind,
    Section,
    Statement,
)
from grants.calls.rules import LONGEST_ANSWER, LONGEST_QUESTION, Bounds, CheckVerdict
from grants.kernel.forms import (
    ChoicesField,
    DayField,
    Form,
    HourField,
    LineField,
    LongField,
    MoneyField,
    Required,
    ValidationError,
    WholeField,
    instant_in,
    key_of,
    options,
)
from grants.kernel.versions import VersionField
from grants.kernel.words import _, _l, in_words_of
from grants.programme.models import Framework, Instrument

# ---- the two-minute check ------------------------------------------------------------------------------------------

YES_NO_UNSURE = (("yes", _l("Oui")), ("no", _l("Non")), ("unsure", _l("Je ne sais pas")))
VERDICTS = {"yes": CheckVerdict.MET, "no": CheckVerdict.UNMET, "unsure": CheckVerdict.UNSURE, "": CheckVerdict.UNSURE}
ASKED = {
    "legal_form": _l("Votre organisation est-elle une association déclarée ?"),
    "territory": _l("Le projet se réalise-t-il dans au moins une commune du territoire ?"),
    "axis_chosen": _l("Le projet sert-il au moins un des axes du cadre ?"),
    "not_started": _l("Le projet se terminera-t-il après la clôture de l’appel ?"),
    "obligations": _l("Votre association est-elle à jour de ses obligations (comptes, impôts, cotisations) ?"),
    "commitment": _l("Votre association souscrit-elle le contrat d’engagement républicain ?"),
    "no_double_request": _l("Ces dépenses sont-elles financées par cette seule demande auprès de la collectivité ?"),
}


def _asked(code: str) -> RadioField:
    return RadioField(ASKED[code], choices=options(YES_NO_UNSURE), validators=[Optional()], default="")


class SelfCheckForm(PlainForm):
    """« Cet appel est-il pour vous ? »: read from the address, kept nowhere."""

    legal_form = _asked("legal_form")
    territory = _asked("territory")
    axis_chosen = _asked("axis_chosen")
    not_started = _asked("not_started")
    obligations = _asked("obligations")
    commitment = _asked("commitment")
    no_double_request = _asked("no_double_request")
    instrument = SelectField(_l("Quelle phase ressemble à votre projet ?"), choices=[], validators=[Optional()])
    amount = MoneyField(_l("Combien pensez-vous demander ?"))
    total = MoneyField(_l("Combien coûterait tout le projet ?"))

    def offer(self, offers: Sequence[CallInstrument]) -> None:
        """Say which instruments can be chosen."""
        names = [(row.instrument.code, in_words_of(row.instrument, "name")) for row in offers]
        self.instrument.choices = options([("", _("Je ne sais pas encore")), *names])

    def findings(self, gates: Sequence[Gate], offers: Sequence[CallInstrument]) -> list[tuple[Gate, CheckVerdict]]:
        """What the answers say of each condition one can know beforehand, in the order of the call."""
        chosen = next((row for row in offers if row.instrument.code == self.instrument.data), None)
        bounds = Bounds(chosen.minimum, chosen.maximum, chosen.max_rate) if chosen else None
        found: list[tuple[Gate, CheckVerdict]] = []
        for gate in gates:
            if gate.code in ASKED:
                found.append((gate, VERDICTS[self[gate.code].data or ""]))
            elif gate.code == "amount":
                found.append((gate, rules.amount_verdict(self.amount.data, bounds)))
            elif gate.code == "rate":
                found.append((gate, rules.rate_verdict(self.amount.data, self.total.data, bounds)))
        return found


# ---- a call ----------------------------------------------------------------------------------------------------------

CODE = Regexp(
    r"^[A-Z0-9]+(-[A-Z0-9]+)*$", message=_l("Des capitales, des chiffres et des traits d’union, par exemple FIS-2026.")
)


class WordsForm(Form):
    """What stays open to correction once a call is published."""

    version = VersionField()
    title = LineField(_l("Titre"), [Required()])
    title_en = LineField(_l("Titre en anglais"))
    theme = LineField(_l("Thème, en une phrase"), description=_l("Affiché sous le titre, sur la page publique."))
    theme_en = LineField(_l("Thème en anglais"))

    def words(self) -> dict[str, str]:
        """The title and theme in both languages."""
        return {name: self[name].data or "" for name in ("title", "title_en", "theme", "theme_en")}


class CallForm(WordsForm):
    """The identity, dates and envelope of a call."""

    code = LineField(
        _l("Code"),
        [Required(), CODE],
        limit=24,
        description=_l("Il figure dans l’adresse de la page et dans les références."),
    )
    framework = SelectField(_l("Cadre stratégique"), validators=[Required()])
    opens_on = DayField(_l("Ouverture : jour"), [Required()])
    opens_hour = HourField(_l("Ouverture : heure"), [Required()], default=time(9, 0))
    closes_on = DayField(_l("Clôture : jour"), [Required()])
    closes_hour = HourField(
        _l("Clôture : heure"),
        [Required()],
        default=time(17, 0),
        description=_l("Le dernier instant admis. Choisissez une heure où l’équipe peut répondre."),
    )
    envelope = MoneyField(_l("Enveloppe de l’appel"), [Required()])

    def offer(self, frameworks: Sequence[Framework]) -> None:
        """Say which frameworks can be chosen."""
        self.framework.choices = options((row.code, in_words_of(row, "name")) for row in frameworks)

    def instants(self, zone: str) -> tuple[datetime, datetime] | None:
        """The two dates in UTC; None when an hour does not exist, with the error on its field."""
        opens = instant_in(self.opens_on, self.opens_hour, zone)
        closes = instant_in(self.closes_on, self.closes_hour, zone)
        return None if opens is None or closes is None else (opens, closes)


class NewCallForm(CallForm):
    """A new call and what it starts from."""

    source = SelectField(
        _l("Partir de"), description=_l("Tout est repris : questions, critères, pièces, déclarations, textes.")
    )

    def offer_sources(self, calls: Sequence[Call]) -> None:
        """Say which calls can be copied."""
        models = [(str(row.id), f"{row.code} · {in_words_of(row, 'title')}") for row in calls]
        self.source.choices = options([("", _("Le modèle de départ du fonds")), *models])


class DraftForm(CallForm):
    """A draft call: its identity, its grace and the two rules of its judgement."""

    grace_minutes = WholeField(
        _l("Délai de grâce après la clôture, en minutes"),
        maximum=rules.LONGEST_GRACE,
        description=_l(
            "0 : aucun. Il vaut seulement pour un dossier dont le dépôt a été demandé avant la clôture et refusé, par "
            "exemple parce qu’il était incomplet. La page de l’appel le dit."
        ),
    )
    approval = SelectField(
        _l("Accord du représentant légal"),
        choices=options([("none", _l("Ne pas le demander")), ("offered", _l("Le proposer")),
                         ("required", _l("L’exiger avant le dépôt"))]),
        description=_l("Donné par un lien envoyé à son adresse, sans compte. La page de l’appel le dit."),
    )  # fmt: skip
    threshold = WholeField(_l("Seuil, en points sur 100"), [InputRequired(_l("Remplissez ce champ."))], maximum=100)
    minimum_reviewers = WholeField(
        _l("Lecteurs au moins par dossier"), [InputRequired(_l("Remplissez ce champ."))], minimum=1, maximum=20
    )


class TextsForm(Form):
    """The texts of a call; its fields are added by `texts_form`."""

    version = VersionField()

    def texts(self, codes: Sequence[str]) -> dict[str, dict[str, str]]:
        """What was written, by code and language."""
        return {code: {"fr": self[f"{code}_fr"].data or "", "en": self[f"{code}_en"].data or ""} for code in codes}


def texts_form(titles: Mapping[str, str], texts: Mapping[str, Mapping[str, str]] | None, version: int) -> TextsForm:
    """The form of a call's texts: one field per text and language."""
    fields: dict[str, object] = {}
    for code, title in titles.items():
        text = (texts or {}).get(code, {})
        fields[f"{code}_fr"] = LongField(title, [Required()], limit=6000, default=text.get("fr", ""))
        fields[f"{code}_en"] = LongField(_l("%(title)s (anglais)", title=title), limit=6000, default=text.get("en", ""))
    form: TextsForm = type("CallTextsForm", (TextsForm,), fields)()
    if not form.is_submitted():
        form.version.data = version
    return form


class InstrumentsForm(Form):
    """Which instruments a call offers; its fields are added by `instruments_form`."""

    def offers(self, instruments: Sequence[Instrument]) -> list[dict[str, Any]] | None:
        """The instruments ticked, with their bounds; None when one does not stand, its errors on its fields."""
        offers: list[dict[str, Any]] = []
        sound = True
        for row in instruments:
            low, high, rate = (self[f"{row.code}_{name}"] for name in ("minimum", "maximum", "rate"))
            if not self[f"{row.code}_offered"].data:
                continue
            for bound in (low, high):
                if bound.data is None:
                    bound.errors = [*bound.errors, _("Remplissez ce champ.")]
                    sound = False
            if low.data is not None and high.data is not None and low.data > high.data:
                high.errors = [*high.errors, _("Le maximum est plus petit que le minimum.")]
                sound = False
            offers.append({"instrument_id": row.id, "minimum": low.data, "maximum": high.data, "max_rate": rate.data})
        return offers if sound else None


def instruments_form(instruments: Sequence[Instrument], offered: Sequence[CallInstrument]) -> InstrumentsForm:
    """The form of what a call offers: a box and three bounds per instrument of the fund."""
    held = {row.instrument_id: row for row in offered}
    fields: dict[str, Any] = {}
    for row in instruments:
        now: CallInstrument | Instrument = held.get(row.id, row)
        fields[f"{row.code}_offered"] = BooleanField(in_words_of(row, "name"), default=row.id in held)
        fields[f"{row.code}_minimum"] = MoneyField(_l("Minimum"), default=now.minimum)
        fields[f"{row.code}_maximum"] = MoneyField(_l("Maximum"), default=now.maximum)
        fields[f"{row.code}_rate"] = WholeField(
            _l("Taux maximal"),
            [Optional()],
            minimum=1,
            maximum=100,
            default=now.max_rate,
            description=_l("Part du coût du projet. Vide : aucun taux maximal."),
        )
    form: InstrumentsForm = type("CallInstrumentsForm", (InstrumentsForm,), fields)()
    return form


class OpenForm(Form):
    """The confirmation before a call opens."""

    version = VersionField()
    dates_read = BooleanField(
        _l("J’ai relu l’ouverture et la clôture, écrites en toutes lettres ci-dessus."),
        [InputRequired(_l("Relisez les dates, puis cochez cette case."))],
    )
    acknowledged = BooleanField(
        _l("J’ouvre l’appel en sachant que ces règles et ces textes ne sont pas encore confirmés."),
    )


class ExtendForm(Form):
    """A later closing and its reason, which everybody will read."""

    closes_on = DayField(_l("Nouvelle clôture : jour"), [Required()])
    closes_hour = HourField(_l("Nouvelle clôture : heure"), [Required()])
    reason = LongField(
        _l("Raison du report"), [Required()], limit=600, description=_l("Publiée sur la page de l’appel, telle quelle.")
    )
    reason_en = LongField(_l("Raison en anglais"), limit=600)

    def instant(self, zone: str) -> datetime | None:
        """The new closing in UTC; None when the hour does not exist, with the error on its field."""
        return instant_in(self.closes_on, self.closes_hour, zone)


class WidenForm(Form):
    """A larger envelope and its reason, which everybody will read."""

    envelope = MoneyField(_l("Nouvelle enveloppe"), [Required()])
    reason = LongField(
        _l("Raison de l’augmentation"),
        [Required()],
        limit=600,
        description=_l("Publiée sur la page de l’appel, telle quelle."),
    )
    reason_en = LongField(_l("Raison en anglais"), limit=600)


class DiscardForm(Form):
    """The confirmation before a draft call is deleted."""

    version = VersionField()
    code = LineField(_l("Code de l’appel"), [Required()], limit=24)


# ---- the parts of a call -------------------------------------------------------------------------------------------


class CallPartForm(Form):
    """What the forms of all parts share; `english` names the fields that come after the French ones."""

    seen = HiddenField()

    def offer(self, **choices: Any) -> None:
        """Say what the lists of the form hold; most have none."""

    def show(self, part: Any) -> None:
        """Put a part in the form before it is shown."""

    def values(self) -> dict[str, Any]:
        """What was written, by column; empty text is an empty string."""
        values: dict[str, Any] = {}
        for name, bound in self._fields.items():
            if name in {"csrf_token", "seen"}:
                continue
            values[name] = (bound.data or "") if isinstance(bound, LineField | LongField) else bound.data
        return values


def _lines(text: str | None) -> list[tuple[str, str]]:
    """The lines « libellé | label » of a list of choices."""
    lines = [line.partition("|") for line in (text or "").split("\n") if line.strip(" |")]
    return [(french.strip(), english.strip()) for french, _bar, english in lines]


def _as_lines(choices: Sequence[Mapping[str, str]]) -> str:
    return "\n".join(f"{row['label']} | {row['label_en']}" if row.get("label_en") else row["label"] for row in choices)


def _choices_field() -> LongField:
    return LongField(
        _l("Choix"),
        limit=4000,
        description=_l("Un choix par ligne. Pour l’anglais, écrivez-le après une barre : Oui | Yes."),
    )


class _ChoicesForm(CallPartForm):
    """A part that may be answered by a choice; its forms add `choices` after `kind`."""

    choices: LongField
    kind: Any

    def show(self, part: Any) -> None:
        self.choices.data = _as_lines(part.choices)

    def validate_choices(self, field: LongField) -> None:
        """At least two different choices where there is something to choose; labels that fit."""
        lines = _lines(field.data)
        if self.kind.data not in {"choice", "choices"}:
            return
        labels = [label for label, _english in lines]
        if len(labels) < 2:
            raise ValidationError(_("Écrivez au moins deux choix, un par ligne."))
        if len(set(labels)) != len(labels) or not all(labels):
            raise ValidationError(_("Chaque ligne doit porter un choix différent."))
        if any(len(word) > 200 for line in lines for word in line):
            raise ValidationError(_("Un choix est trop long : 200 caractères au plus."))

    def values(self) -> dict[str, Any]:
        values = super().values()
        values["choices"] = _lines(self.choices.data) if self.kind.data in {"choice", "choices"} else []
        return values


class CallSectionForm(CallPartForm):
    """A page of questions."""

    title = LineField(_l("Titre"), [Required()])
    intro = LongField(_l("Introduction"), limit=2000)
    title_en = LineField(_l("Titre en anglais"))
    intro_en = LongField(_l("Introduction en anglais"), limit=2000)


def _when(question: Question, choice: Mapping[str, str]) -> str:
    label = in_words_of(question, "label")
    return _("Si « %(question)s » = « %(choice)s »", question=label, choice=choice["label"])


class QuestionForm(_ChoicesForm):
    """A question of the call."""

    section_id = SelectField(_l("Section"), validators=[Required()], coerce=key_of)
    label = LineField(_l("Question"), [Required()], limit=300)
    help = LongField(_l("Aide"), limit=2000, description=_l("Ce que le comité y cherche, un exemple, une limite."))
    kind = SelectField(_l("Type de réponse"), choices=options(rules.KIND_LABELS.items()))
    choices = _choices_field()
    required = BooleanField(_l("Réponse obligatoire"))
    max_length = WholeField(
        _l("Caractères au plus"), [Optional()], minimum=20, maximum=20_000, description=_l("Pour les textes.")
    )
    minimum = WholeField(_l("Nombre minimal"), [Optional()], description=_l("Pour les nombres et les montants."))
    criterion_id = SelectField(_l("Critère où cette réponse est jugée"))
    asked_when = SelectField(_l("Posée"))
    instruments = ChoicesField(
        _l("Posée pour"), description=_l("Rien de coché : pour toutes les formes d’aide de l’appel.")
    )
    label_en = LineField(_l("Question en anglais"), limit=300)
    help_en = LongField(_l("Aide en anglais"), limit=2000)

    def offer(self, **choices: Any) -> None:
        part: Question | None = choices["part"]
        self.section_id.choices = options((row.id, in_words_of(row, "title")) for row in choices["sections"])
        items: Sequence[Criterion] = choices["items"]
        judged = [(row.id, in_words_of(row, "title")) for row in items]
        self.criterion_id.choices = options([("", _("Aucun")), *judged])
        waits = [
            (f"{row.code}={choice['code']}", _when(row, choice))
            for row in choices["questions"]
            if row.kind is QuestionKind.CHOICE and (part is None or row.id != part.id)
            for choice in row.choices
        ]
        self.asked_when.choices = options([("", _("Toujours")), *waits])
        offers: Sequence[CallInstrument] = choices["offers"]
        names = [(row.instrument.code, in_words_of(row.instrument, "name")) for row in offers]
        self.instruments.choices = options(names)

    def show(self, part: Question) -> None:
        super().show(part)
        self.criterion_id.data = str(part.criterion_id or "")
        when = part.asked_when
        self.asked_when.data = f"{when['question']}={when['equals']}" if when else ""

    def values(self) -> dict[str, Any]:
        values = super().values()
        question, _equals, choice = (self.asked_when.data or "").partition("=")
        values["asked_when"] = {"question": question, "equals": choice} if question else None
        values["criterion_id"] = UUID(self.criterion_id.data) if self.criterion_id.data else None
        values["kind"] = QuestionKind(self.kind.data)
        if values["kind"] not in {QuestionKind.SHORT, QuestionKind.LONG}:
            values["max_length"] = None
        if values["kind"] not in {QuestionKind.NUMBER, QuestionKind.MONEY}:
            values["minimum"] = None
        return values


class BlockForm(CallPartForm):
    """A block of criteria."""

    title = LineField(_l("Titre"), [Required()])
    weight = WholeField(_l("Poids, en points"), [Required()], minimum=1, maximum=100)
    minimum_level = SelectField(
        _l("Niveau moyen à atteindre"),
        choices=options((("", _l("Aucun")), ("10", "1"), ("15", "1,5"), ("20", "2"), ("25", "2,5"), ("30", "3"))),
    )
    tie_rank = WholeField(
        _l("Rang de départage"),
        [Optional()],
        minimum=1,
        maximum=20,
        description=_l("1 départage en premier. Vide : jamais."),
    )
    title_en = LineField(_l("Titre en anglais"))

    def show(self, part: Block) -> None:
        self.minimum_level.data = str(part.minimum_level or "")

    def values(self) -> dict[str, Any]:
        values = super().values()
        values["minimum_level"] = int(self.minimum_level.data) if self.minimum_level.data else None
        return values


class CriterionForm(CallPartForm):
    """An item reviewers mark, with the sense of each level."""

    block_id = SelectField(_l("Bloc"), validators=[Required()], coerce=key_of)
    title = LineField(_l("Titre"), [Required()])
    weight = WholeField(_l("Poids, en points"), [Required()], minimum=1, maximum=100)
    applicant_hint = LongField(_l("Ce que lit l’association"), limit=1500)
    guidance = LongField(_l("Ce que lit le comité"), limit=2500)
    anchor_0 = LongField(_l("Niveau 0, absent"), [Required()], limit=600)
    anchor_1 = LongField(_l("Niveau 1, faible"), [Required()], limit=600)
    anchor_2 = LongField(_l("Niveau 2, acceptable"), [Required()], limit=600)
    anchor_3 = LongField(_l("Niveau 3, bon"), [Required()], limit=600)
    anchor_4 = LongField(_l("Niveau 4, remarquable"), [Required()], limit=600)
    title_en = LineField(_l("Titre en anglais"))
    applicant_hint_en = LongField(_l("Ce que lit l’association, en anglais"), limit=1500)
    guidance_en = LongField(_l("Ce que lit le comité, en anglais"), limit=2500)
    anchor_0_en = LongField(_l("Niveau 0 en anglais"), limit=600)
    anchor_1_en = LongField(_l("Niveau 1 en anglais"), limit=600)
    anchor_2_en = LongField(_l("Niveau 2 en anglais"), limit=600)
    anchor_3_en = LongField(_l("Niveau 3 en anglais"), limit=600)
    anchor_4_en = LongField(_l("Niveau 4 en anglais"), limit=600)

    def offer(self, **choices: Any) -> None:
        self.block_id.choices = options((row.id, in_words_of(row, "title")) for row in choices["blocks"])

    def show(self, part: Criterion) -> None:
        for level in range(5):
            self[f"anchor_{level}"].data = part.anchors[level]
            self[f"anchor_{level}_en"].data = part.anchors_en[level] if level < len(part.anchors_en) else ""

    def values(self) -> dict[str, Any]:
        values = super().values()
        values["anchors"] = [values.pop(f"anchor_{level}") for level in range(5)]
        values["anchors_en"] = [values.pop(f"anchor_{level}_en") for level in range(5)]
        return values


class CallPieceForm(CallPartForm):
    """A supporting document."""

    label = LineField(_l("Pièce"), [Required()])
    help = LongField(_l("Aide"), limit=2000)
    rule = SelectField(_l("Quand elle est due"), choices=options(rules.PIECE_RULE_LABELS.items()))
    condition = LongField(_l("La même règle, dite à l’association"), limit=600)
    blocks = SelectField(
        _l("Ce qu’elle bloque"),
        choices=options(rules.PIECE_BLOCKS_LABELS.items()),
        description=_l(
            "Une pièce manquante n’empêche jamais le dépôt : elle se demande après (CRPA, art. L114-5-1). Demandée, "
            "elle bloque l’étape choisie ici tant qu’elle n’est ni arrivée, ni abandonnée avec un motif. Une pièce "
            "qui bloque le versement est demandée d’elle-même quand l’aide est attribuée."
        ),
    )
    required = BooleanField(_l("Due quand la règle s’applique"))
    once_for_all = BooleanField(_l("Pièce de l’association, la même d’une demande à l’autre"))
    label_en = LineField(_l("Pièce, en anglais"))
    help_en = LongField(_l("Aide en anglais"), limit=2000)
    condition_en = LongField(_l("Règle en anglais"), limit=600)


class StatementForm(_ChoicesForm):
    """A declaration the applicant makes."""

    title = LineField(_l("Titre"), [Required()])
    text = LongField(_l("Texte que la personne déclare"), [Required()], limit=4000)
    kind = SelectField(_l("Réponse"), choices=options(rules.STATEMENT_LABELS.items()))
    choices = _choices_field()
    edition = LineField(_l("Version du texte"), [Required()], limit=40)
    required = BooleanField(_l("Obligatoire"))
    title_en = LineField(_l("Titre en anglais"))
    text_en = LongField(_l("Texte en anglais"), limit=4000)


class GateForm(CallPartForm):
    """A condition ticked by a manager; those the system computes keep their computation."""

    title = LineField(_l("Condition"), [Required()])
    explanation = LongField(_l("Ce qui est vérifié"), [Required()], limit=1500)
    refusal = LongField(_l("Ce que lit l’association si elle n’est pas remplie"), [Required()], limit=1500)
    title_en = LineField(_l("Condition en anglais"))
    explanation_en = LongField(_l("Ce qui est vérifié, en anglais"), limit=1500)
    refusal_en = LongField(_l("Refus en anglais"), limit=1500)


class MoveForm(Form):
    """Which way a part moves."""

    way = SelectField(choices=options((("up", ""), ("down", ""))))


FORMS: dict[type[Any], type[CallPartForm]] = {
    Section: CallSectionForm,
    Question: QuestionForm,
    Block: BlockForm,
    Criterion: CriterionForm,
    Piece: CallPieceForm,
    Statement: StatementForm,
    Gate: GateForm,
}


# ---- questions about an open call ----------------------------------------------------------------------------------


class AskForm(Form):
    """A question about a call."""

    text = LongField(_l("Votre question"), [Required(_l("Écrivez votre question."))], limit=LONGEST_QUESTION)


class SettleForm(Form):
    """What the page of the call will say, or why it will not say it."""

    version = VersionField()
    wording = LongField(
        _l("La question, telle qu’elle sera publiée"),
        [Required(_l("Écrivez la question."))],
        limit=LONGEST_QUESTION,
        description=_l("Retirez ce qui ferait reconnaître une personne, une association ou un projet."),
    )
    answer = LongField(
        _l("La réponse"),
        [Required(_l("Écrivez la réponse."))],
        limit=LONGEST_ANSWER,
        description=_l("Publiée, tout le monde la lit. Écartée, seule la personne qui a posé la question la reçoit."),
    )
