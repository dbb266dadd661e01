"""Questions about an open call: one is put by a member of an organisation, a manager publishes it with its answer."""

import hashlib
from datetime import timedelta

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from grants.calls import actions, queries, rules
from grants.calls.forms import AskForm, SettleForm
from grants.calls.models import Call, PublicQuestion
from grants.calls.routes.board import bp
from grants.kernel import clock, throttle
from grants.kernel.access import actor, prepared_by, requires
from grants.kernel.forms import done, form_page
from grants.kernel.paging import places
from grants.kernel.words import _
from grants.permissions import P

Answer = tuple[str, int] | Response
BY_ACCOUNT, BY_NETWORK = 10, 60  # questions within a day


def _count() -> None:
    """Raises ThrottledError when a person, or a network, puts too many questions."""
    who, network = hashlib.sha256(str(actor().id).encode()).hexdigest(), throttle.network_of(request.remote_addr)
    throttle.attempt("call_question", {who: BY_ACCOUNT, network: BY_NETWORK}, window=timedelta(days=1))


@bp.route("/appels/<uuid:call_id>/question", methods=["GET", "POST"])
@requires(P.CALL_ASK, Call)
@prepared_by(_count, for_files=False)
def ask(call: Call) -> Answer:
    """Put a question about a call."""
    form = AskForm()
    if done(form, lambda: actions.ask(call, form.text.data or "", by=actor())):
        flash(_("Votre question est envoyée. Un courriel vous dira quand la réponse est publiée."), "success")
        return redirect(url_for(".show", code=call.code))
    return form_page("calls/ask.html", form, call=call, is_open=rules.is_open(call, clock.now()))


@bp.get("/gestion/questions-posees")
@requires(P.CALL_LIST)
def asked() -> str:
    """The questions that wait for an answer, or those that have one."""
    is_settled = request.args.get("vue") == "reglees"
    return render_template(
        "calls/asked.html", page=queries.asked(settled=is_settled, **places()), is_settled=is_settled
    )


@bp.route("/gestion/questions-posees/<uuid:question_id>", methods=["GET", "POST"])
@requires(P.CALL_ANSWER, PublicQuestion)
def settle(question: PublicQuestion) -> Answer:
    """Publish a question with its answer, or keep it from the page."""
    form = SettleForm(data={"version": question.version, "wording": question.text})
    is_published = "decline" not in request.form
    if done(
        form,
        lambda: actions.settle(
            question, wording=form.wording.data or "", answer=form.answer.data or "", is_published=is_published,
            version=form.version.data, by=actor(),
        ),
    ):  # fmt: skip
        flash(_("La réponse est publiée.") if is_published else _("La question est écartée."), "success")
        return redirect(url_for(".asked"))
    return form_page("calls/settle.html", form, question=question, call=question.call)


@bp.route("/gestion/appels/<uuid:call_id>/reponse", methods=["GET", "POST"])
@requires(P.CALL_ANSWER, Call)
def answer(call: Call) -> Answer:
    """Publish a question of the fund itself with its answer."""
    form = SettleForm(data={"version": 0})
    if done(
        form,
        lambda: actions.publish_own(call, wording=form.wording.data or "", answer=form.answer.data or "", by=actor()),
    ):
        flash(_("La réponse est publiée."), "success")
        return redirect(url_for(".manage", call_id=call.id))
    return form_page("calls/settle.html", form, question=None, call=call)
