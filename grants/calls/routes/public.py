"""What anyone reads of the calls: the list, the page of one, its text to print, and the two-minute check."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import current_app, render_template, request
from markupsafe import Markup, escape
from werkzeug.wrappers import Response

from grants.calls import queries, rules
from grants.calls.forms import SelfCheckForm
from grants.calls.models import Call, CallInstrument, Statement
from grants.calls.routes.board import bp
from grants.kernel import clock, pages
from grants.kernel.access import may_know, public
from grants.kernel.errors import MissingError
from grants.kernel.machine import StatusWord
from grants.kernel.query_cache import cached_query
from grants.kernel.words import _, in_words_of, language
from grants.programme import queries as programme
from grants.programme.models import FundingForm


def phase_word(call: rules.Dated, at: datetime) -> StatusWord:
    """The phase of a call as a status word."""
    phase = rules.phase(call, at)
    return StatusWord(rules.PHASE_LABELS[phase], rules.PHASE_TONES[phase], str(phase))


@bp.app_template_global("names_in")
def names_in(codes: Sequence[str], offers: Sequence[CallInstrument]) -> str:
    """The names of the instruments of some codes, among those that a call offers."""
    return ", ".join(in_words_of(row.instrument, "name") for row in offers if row.instrument.code in codes)


@bp.get("/appels")
@public
def index() -> str:
    """Every published call: open, coming, past."""
    at = clock.now()
    groups = {"open": queries.open_calls(at), "coming": queries.coming_calls(at), "past": queries.past_calls(at)}
    return render_template("calls/index.html", fund=programme.fund(), word=lambda call: phase_word(call, at), **groups)


@bp.get("/appels/<code>")
@public
def show(code: str) -> Response:
    """The page of a call, and before its opening its preview for those who prepare it."""
    call, at = _known(code), clock.now()
    phase, sheet = rules.phase(call, at), _part(call, "calls/sheet.html", at)
    page = render_template(
        "calls/show.html", call=call, fund=call.fund, phase=phase, word=phase_word(call, at), sheet=sheet
    )
    return pages.unless_known(page)


@bp.get("/appels/<code>/texte")
@public
def text(code: str) -> Response:
    """The whole call on one sheet, everything unfolded, to print or to read aloud."""
    call = _known(code)
    return pages.unless_known(
        render_template("calls/text.html", call=call, body=_part(call, "calls/body.html", clock.now(), unfolded=True))
    )


@bp.get("/appels/<code>/pour-vous")
@public
def self_check(code: str) -> tuple[str, int]:
    """« Cet appel est-il pour vous ? »: answers stay in the address, nothing is kept."""
    call = _known(code)
    offers = queries.instruments_of(call.id)
    form = SelfCheckForm(request.args)
    form.offer(offers)
    asked = bool(request.args.keys() & form.data.keys())
    valid = form.validate() if asked else True
    findings = form.findings(queries.gates_of(call.id), offers) if asked and valid else []
    verdict = rules.overall(verdict for _gate, verdict in findings) if findings else None
    now = clock.now()
    page = render_template(
        "calls/self_check.html", call=call, form=form, findings=findings, verdict=verdict, has_errors=not valid,
        phase=rules.phase(call, now), word=phase_word(call, now),
    )  # fmt: skip
    return page, 200 if valid else 422


def _known(code: str) -> Call:
    call = queries.call_by_code(code)
    if call is None or not may_know(call):
        raise MissingError
    return call


def _part(call: Call, template: str, at: datetime, *, unfolded: bool = False) -> Markup:
    """The part of a page that is the same for every reader of a language, kept while nothing changes.

    It holds no form, no clock and nothing of who reads; the phase of the call is all that time changes in it.
    """

    def drawn() -> Markup:
        return escape(
            current_app.jinja_env.get_template(template).make_module(_facts(call, at) | {"unfolded": unfolded})
        )

    phase = rules.phase(call, at)
    if phase is rules.Phase.DRAFT:
        return drawn()
    return cached_query(("call", template, call.id, phase, language()), drawn)


def _facts(call: Call, at: datetime) -> dict[str, Any]:
    """Everything the page of a call says; a constant number of queries."""
    offers = queries.instruments_of(call.id)
    questions = queries.questions_of(call.id)
    return {
        "call": call,
        "fund": call.fund,
        "phase": rules.phase(call, at),
        "texts": _texts(call, offers),
        "titles": {row.code: in_words_of(row, "title") for row in programme.texts_of_use("call")},
        "offers": offers,
        "advance": FundingForm.REPAYABLE_ADVANCE,
        "axes": programme.axes(call.framework_id),
        "blocks": queries.criteria_of(call.id),
        "levels": rules.LEVEL_LABELS,
        "sections": queries.sections_of(call.id),
        "questions": questions,
        "conditions": {
            question.id: queries.condition_of(question, questions) for question in questions if question.asked_when
        },
        "kinds": rules.KIND_LABELS,
        "pieces": queries.pieces_of(call.id),
        "statements": [(row, _said(row, call)) for row in queries.statements_of(call.id)],
        "gates": queries.gates_of(call.id),
        "told_when_typed": rules.TOLD_WHEN_TYPED,
        "extensions": queries.extensions(call),
        "widenings": queries.widenings(call),
        "answers": queries.answers_of(call.id),
    }


def _said(statement: Statement, call: Call) -> str:
    """What a statement will say, with words in place of what is not known before there is a dossier."""
    text = in_words_of(statement, "text")
    known = {"amount": _("[montant demandé]"), "title": _("[titre du projet]"), "body": call.fund.body_name}
    for name, word in known.items():
        text = text.replace("{" + name + "}", word)
    return text


def _texts(call: Call, offers: Any) -> dict[str, str]:
    """The texts of the call with what the system knows in place of their {words}; {instruments} is left to the page."""
    fund = call.fund
    values = {
        "body": fund.body_name,
        "fund": in_words_of(fund, "name"),
        "envelope": pages.money(fund.envelope),
        "email": fund.service_email,
        "address": fund.service_address,
        "phone": fund.service_phone,
        "framework": in_words_of(call.framework, "name"),
        "instruments": "{instruments}",
        "minimum": pages.money(min((row.minimum for row in offers), default=None)),
        "maximum": pages.money(max((row.maximum for row in offers), default=None)),
        "minimum_reviewers": pages.number(call.minimum_reviewers),
        "threshold": pages.number(call.threshold),
        "closes_at": pages.instant(call.closes_at),
    }
    codes = [code for code in call.texts if code not in queries.DECIDED]
    return {code: queries.text_of_call(call, code).format_map(values) for code in codes}
