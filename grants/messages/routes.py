"""Views of messages: those about one application, one more, the button that says one was read, and those that wait."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from grants.applications.models import Application
from grants.kernel import uploads
from grants.kernel.access import actor, hidden_dossiers, holds_subject, prepared_by, requires
from grants.kernel.bodies import takes_files
from grants.kernel.errors import MissingError
from grants.kernel.forms import done, form_page
from grants.kernel.paging import Page, places
from grants.kernel.words import _
from grants.messages import actions, queries
from grants.messages.forms import MessageForm
from grants.messages.models import Conversation, Message
from grants.permissions import P
from grants.screening import queries as screening

bp = Blueprint("messages", __name__)
Answer = tuple[str, int] | Response


@bp.get("/dossiers/<uuid:application_id>/messages")
@requires(P.MESSAGE_READ, Application)
def of_dossier(application: Application) -> Answer:
    """The conversation about an application, or the place to write its first message."""
    conversation = queries.conversation_of((application.corrects or application).id)
    if conversation is not None:
        return _to(conversation)
    if application.corrects is not None:
        return redirect(url_for(".of_dossier", application_id=application.corrects.id))
    return _page(application, None, MessageForm())


@bp.post("/dossiers/<uuid:application_id>/messages")
@requires(P.MESSAGE_WRITE, Application)
@prepared_by(uploads.examine_sent)
@holds_subject
@takes_files
def begin(application: Application) -> Answer:
    """Send a message from there; the application is held, so that two first messages open one conversation."""
    if application.corrects is not None:
        raise MissingError
    return _write(application, queries.conversation_of(application.id))


@bp.get("/messages/<uuid:conversation_id>")
@requires(P.MESSAGE_READ, Conversation)
def show(conversation: Conversation) -> Answer:
    """The messages about one application, the newest first."""
    return _page(conversation.application, conversation, MessageForm())


@bp.post("/messages/<uuid:conversation_id>")
@requires(P.MESSAGE_WRITE, Conversation)
@prepared_by(uploads.examine_sent)
@takes_files
def write(conversation: Conversation) -> Answer:
    """Send one more."""
    return _write(conversation.application, conversation)


def _write(application: Application, conversation: Conversation | None) -> Answer:
    form = MessageForm()
    if done(form, lambda: actions.write(application, form.text.data or "", form.given_files(), by=actor())):
        flash(_("Votre message est envoyé."), "success")
        return _to(conversation) if conversation else redirect(url_for(".of_dossier", application_id=application.id))
    return _page(application, conversation, form)


def _to(conversation: Conversation) -> Response:
    return redirect(url_for(".show", conversation_id=conversation.id))


def _page(application: Application, conversation: Conversation | None, form: MessageForm) -> Answer:
    page = queries.messages_of(conversation.id, **places()) if conversation is not None else Page([])
    return form_page(
        "messages/show.html",
        form,
        application=application,
        page=page,
        is_of_fund=actions.is_of_fund(application, actor()),
        is_asked=bool(screening.open_requests_of([application.id])),
        closed=queries.why_not_write(application.id),
    )


@bp.post("/messages/<uuid:message_id>/lu")
@requires(P.MESSAGE_WRITE, Message)
@holds_subject
def read(message: Message) -> Response:
    """Say that a message of the other side was read."""
    if not actions.say_read(message, by=actor()):
        flash(_("Quelqu’un de votre côté l’avait déjà dit."), "info")
    return redirect(url_for(".show", conversation_id=message.conversation_id, _anchor=f"message-{message.id}"))


@bp.get("/gestion/messages")
@requires(P.MESSAGE_LIST)
def index() -> str:
    """The messages of associations that wait to be read, the one that waits longest first."""
    return render_template("messages/index.html", page=queries.unread(actor().id, hidden_dossiers(), **places()))
