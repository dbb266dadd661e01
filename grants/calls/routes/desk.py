"""Where managers prepare a call: its identity, texts and amounts, the checklist, the opening, what comes after."""

from datetime import datetime
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from grants.calls import actions, queries, rules
from grants.calls.forms import (
    CallForm,
    DiscardForm,
    DraftForm,
    ExtendForm,
    NewCallForm,
    OpenForm,
    WidenForm,
    WordsForm,
    instruments_form,
    texts_form,
)
from grants.calls.lifecycle import CallState
from grants.calls.models import ApprovalRule, Call
from grants.calls.routes.board import bp
from grants.calls.routes.public import phase_word
from grants.kernel import clock, pages
from grants.kernel.access import actor, requires
from grants.kernel.bodies import takes_texts
from grants.kernel.errors import InvalidError
from grants.kernel.forms import done, form_page
from grants.kernel.versions import as_shown
from grants.kernel.words import _, in_words_of
from grants.permissions import P
from grants.programme import queries as programme

Answer = Response | tuple[str, int]


@bp.get("/gestion/appels")
@requires(P.CALL_LIST)
def desk() -> str:
    """Every call, with its phase and what it holds of the fund."""
    at = clock.now()
    fund = programme.fund()
    rows = queries.all_calls()
    return render_template(
        "calls/desk.html", calls=rows, fund=fund, left=queries.left_for(fund, None, seen_by=actor()),
        word=lambda c: phase_word(c, at),
        committed=queries.committed_of(rows, actor()),
    )  # fmt: skip


@bp.route("/gestion/appels/nouveau", methods=["GET", "POST"])
@requires(P.CALL_EDIT)
def create() -> Answer:
    """A new call, from the model of the fund or from an earlier call."""
    fund = programme.fund()
    form = NewCallForm()
    form.offer(programme.frameworks())
    form.offer_sources(queries.all_calls())
    if form.validate_on_submit() and (identity := _identity(form, fund.zone)) is not None:
        try:
            call = actions.create(fund, _source(form), identity, by=actor())
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            flash(_("L’appel est créé. Il n’est visible que de votre équipe tant qu’il n’est pas publié."), "success")
            return redirect(url_for("calls.manage", call_id=call.id))
    return form_page("calls/create.html", form, fund=fund, left=queries.left_for(fund, None, seen_by=actor()))


def _source(form: NewCallForm) -> Call | None:
    return queries.call_by_id(UUID(form.source.data)) if form.source.data else None


def _identity(form: CallForm, zone: str) -> actions.Identity | None:
    """What the form says of a call; None when an hour does not exist, with the error in place."""
    instants = form.instants(zone)
    framework = programme.framework(form.framework.data)
    if instants is None or framework is None or form.code.data is None or form.envelope.data is None:
        return None
    return actions.Identity(
        framework=framework,
        code=form.code.data,
        opens_at=instants[0],
        closes_at=instants[1],
        envelope=form.envelope.data,
        **form.words(),
    )


@bp.get("/gestion/appels/<uuid:call_id>")
@requires(P.CALL_LIST, Call)
def manage(call: Call) -> str:
    """One call at work: where it stands, what it still lacks, and the way to each of its pages."""
    at = clock.now()
    return render_template(
        "calls/manage.html",
        call=call,
        word=phase_word(call, at),
        phase=rules.phase(call, at),
        checks=queries.opening_checks(call, at, seen_by=actor()) if call.state is CallState.DRAFT else [],
        unsure=programme.unconfirmed() if call.state is CallState.DRAFT else [],
        counts=queries.counts_of(call.id),
        left=queries.left_for(call.fund, call, seen_by=actor()),
        extensions=queries.extensions(call),
        widenings=queries.widenings(call),
        committed=queries.committed_of([call], actor())[call.id],
    )


@bp.route("/gestion/appels/<uuid:call_id>/presentation", methods=["GET", "POST"])
@requires(P.CALL_EDIT, Call)
def edit(call: Call) -> Answer:
    """The identity of a call; once published, only its words."""
    if call.state is not CallState.DRAFT:
        return _edit_words(call)
    form = DraftForm(data=_shown(call))
    form.offer(programme.frameworks())
    if form.validate_on_submit() and (identity := _identity(form, call.fund.zone)) is not None:
        rules_values = {name: form[name].data or 0 for name in ("threshold", "minimum_reviewers", "grace_minutes")}
        try:
            rule = ApprovalRule(form.approval.data)
            actions.edit(call, identity, **rules_values, approval=rule, version=form.version.data, by=actor())
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            flash(_("C’est enregistré."), "success")
            return redirect(url_for("calls.manage", call_id=call.id))
    return form_page("calls/edit.html", form, call=call, left=queries.left_for(call.fund, call, seen_by=actor()))


def _edit_words(call: Call) -> Answer:
    said: dict[str, object] = {
        "title": call.title, "title_en": call.title_en, "theme": call.theme, "theme_en": call.theme_en,
        "version": call.version,
    }  # fmt: skip
    form = WordsForm(data=said)
    if form.validate_on_submit():
        actions.edit_words(call, **form.words(), version=form.version.data, by=actor())
        flash(_("C’est enregistré."), "success")
        return redirect(url_for("calls.manage", call_id=call.id))
    return form_page("calls/edit.html", form, call=call, left=None)


def _local(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.astimezone(pages.zone())


def _shown(call: Call) -> dict[str, object]:
    opens, closes = _local(call.opens_at), _local(call.closes_at)
    return {
        "title": call.title, "title_en": call.title_en, "theme": call.theme, "theme_en": call.theme_en,
        "code": call.code, "envelope": call.envelope, "grace_minutes": call.grace_minutes,
        "approval": call.approval.value, "threshold": call.threshold, "minimum_reviewers": call.minimum_reviewers,
        "version": call.version,
        "framework": call.framework.code,
        "opens_on": opens.date() if opens else None,
        "opens_hour": opens.time() if opens else None,
        "closes_on": closes.date() if closes else None,
        "closes_hour": closes.time() if closes else None,
    }  # fmt: skip


@bp.route("/gestion/appels/<uuid:call_id>/textes", methods=["GET", "POST"])
@requires(P.CALL_EDIT, Call)
@takes_texts
def texts(call: Call) -> Answer:
    """The texts of a call in French and English; they stay open to correction after the opening."""
    text_rows = {row.code: row for row in programme.texts_of_use("call")}
    form = texts_form({code: in_words_of(row, "title") for code, row in text_rows.items()}, call.texts, call.version)
    if done(form, lambda: actions.edit_texts(call, form.texts(list(text_rows)), version=form.version.data, by=actor())):
        flash(_("Les textes sont enregistrés."), "success")
        return redirect(url_for("calls.manage", call_id=call.id))
    return form_page("calls/texts.html", form, call=call, text_rows=text_rows)


@bp.route("/gestion/appels/<uuid:call_id>/montants", methods=["GET", "POST"])
@requires(P.CALL_EDIT, Call)
@as_shown
def instruments(call: Call) -> Answer:
    """Which instruments the call offers, within which bounds."""
    if request.method == "POST":
        actions.refuse_frozen(call)
    rows = programme.instruments()
    form = instruments_form(rows, queries.instruments_of(call.id))
    if form.validate_on_submit() and (offers := form.offers(rows)) is not None:
        actions.offer_instruments(call, [actions.InstrumentOffer(**row) for row in offers], by=actor())
        flash(_("Les montants sont enregistrés."), "success")
        return redirect(url_for("calls.manage", call_id=call.id))
    return form_page("calls/instruments.html", form, call=call, instruments=rows)


@bp.route("/gestion/appels/<uuid:call_id>/publication", methods=["GET", "POST"])
@requires(P.CALL_OPEN, Call)
def open_call(call: Call) -> Answer:
    """The last page before the opening: the checklist, the dates in words, what is not confirmed."""
    form = OpenForm(data={"version": call.version})
    if done(
        form,
        lambda: actions.open_call(
            call, acknowledged=bool(form.acknowledged.data), version=form.version.data, by=actor()
        ),
    ):
        flash(_("L’appel est publié. Ses règles sont désormais figées."), "success")
        return redirect(url_for("calls.manage", call_id=call.id))
    at = clock.now()
    checks = queries.opening_checks(call, at, seen_by=actor())
    facts = {"checks": checks, "unsure": programme.unconfirmed(), "ready": not any(c.missing for c in checks)}
    return form_page(
        "calls/open_call.html", form, call=call, late=call.opens_at is not None and call.opens_at < at, **facts
    )


@bp.route("/gestion/appels/<uuid:call_id>/report", methods=["GET", "POST"])
@requires(P.CALL_OPEN, Call)
@as_shown
def extend(call: Call) -> Answer:
    """Put the closing later, with a reason everybody reads."""
    shown = _local(call.closes_at)
    form = ExtendForm(data={"closes_hour": shown.time() if shown else None})
    if form.validate_on_submit() and (closes_at := form.instant(call.fund.zone)) is not None:
        words = {"reason": form.reason.data or "", "reason_en": form.reason_en.data or ""}
        try:
            actions.extend(call, closes_at=closes_at, **words, by=actor())
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            flash(_("La clôture est reportée. La page de l’appel le dit dès maintenant."), "success")
            return redirect(url_for("calls.manage", call_id=call.id))
    return form_page("calls/extend.html", form, call=call)


@bp.route("/gestion/appels/<uuid:call_id>/enveloppe", methods=["GET", "POST"])
@requires(P.CALL_OPEN, Call)
@as_shown
def widen(call: Call) -> Answer:
    """Raise the envelope, with a reason everybody reads."""
    form = WidenForm()
    if form.validate_on_submit() and form.envelope.data is not None:
        words = {"reason": form.reason.data or "", "reason_en": form.reason_en.data or ""}
        try:
            actions.widen(call, envelope=form.envelope.data, **words, by=actor())
        except InvalidError as error:
            form.refuse(error.field, error.message)
        else:
            flash(_("L’enveloppe est augmentée. La page de l’appel le dit dès maintenant."), "success")
            return redirect(url_for("calls.manage", call_id=call.id))
    return form_page(
        "calls/widen.html", form, call=call, left=queries.left_for(call.fund, call, seen_by=actor()),
    )  # fmt: skip


@bp.route("/gestion/appels/<uuid:call_id>/supprimer", methods=["GET", "POST"])
@requires(P.CALL_EDIT, Call)
def discard(call: Call) -> Answer:
    """Delete a call that was never published, once its code was typed."""
    actions.refuse_frozen(call)
    form = DiscardForm(data={"version": call.version})
    if form.validate_on_submit():
        if form.code.data == call.code:
            actions.discard(call, version=form.version.data, by=actor())
            flash(_("L’appel %(code)s est supprimé.", code=form.code.data), "success")
            return redirect(url_for("calls.desk"))
        form.refuse("code", _("Ce n’est pas le code de cet appel."))
    return form_page("calls/discard.html", form, call=call)
