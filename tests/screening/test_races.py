"""Several managers, several members at the same moment: one decision, one answer, and never a dossier left waiting."""

import io
from datetime import timedelta

from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.calls.models import Gate
from grants.kernel import clock, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.outbox import Letter
from grants.kernel.uploads import StoredFile
from grants.screening import actions
from grants.screening.models import PieceRequest
from grants.screening.rules import Judgement
from tests.crowd import at_once
from tests.screening.test_routes import PNG

S = ApplicationState


def test_accepted_and_excluded_at_once_only_one_decision_stands(app, make):
    application = make.application(state=S.SUBMITTED)
    managers = [make.actor("manager") for _ in range(6)]
    gates = db.session.scalars(
        select(Gate.id).where(Gate.call_id == application.call_id, Gate.computed.is_(False))
    ).all()
    with unit_of_work():
        judged = {gate_id: Judgement(True) for gate_id in gates}
        actions.judge(application, judged, version=application.version, by=managers[0])
    application_id, version = application.id, application.version
    db.session.remove()

    def accept(by):
        actions.accept(db.session.get_one(Application, application_id), by=by)

    def exclude(by):
        one = db.session.get_one(Application, application_id)
        actions.exclude(one, reason="Hors du territoire.", version=version, by=by)

    acts = [lambda by=by, act=act: act(by) for by, act in zip(managers, [accept, exclude] * 3, strict=True)]
    (winner,) = at_once(app, *acts)
    state = db.session.get_one(Application, application_id).state
    assert state is (S.INELIGIBLE if winner % 2 else S.ELIGIBLE)
    kinds = set(db.session.scalars(select(Letter.kind).where(Letter.kind.startswith("screening"))))
    assert kinds == {"screening_ineligible" if winner % 2 else "screening_eligible"}
    assert list(journal.broken_links()) == []


def asked(application, by, *labels):
    with unit_of_work():
        return [
            actions.request_piece(
                application, piece=None, label=label, message="", due_on=clock.today() + timedelta(days=9), by=by
            ).id
            for label in labels
        ]


def give(request_id, by):
    upload = FileStorage(io.BytesIO(PNG), "devis.png")
    actions.give_piece(db.session.get_one(PieceRequest, request_id), upload, by=by)


def test_one_piece_is_answered_once_by_many(app, make):
    application = make.application(state=S.SUBMITTED)
    member = make.actor_of(make.member_of(application.organisation))
    (request_id,) = asked(application, make.actor("manager"), "Devis")
    db.session.remove()
    assert len(at_once(app, *[lambda: give(request_id, member)] * 6)) == 1
    assert len(db.session.scalars(select(StoredFile)).all()) == 1


def test_the_last_two_pieces_given_at_once_send_the_dossier_back(app, make):
    application = make.application(state=S.SUBMITTED)
    application_id = application.id
    member = make.actor_of(make.member_of(application.organisation))
    labels = ("Devis", "Statuts", "Comptes")
    requests = asked(application, make.actor("manager"), *labels)
    db.session.remove()
    assert len(at_once(app, *[lambda key=key: give(key, member) for key in requests])) == 3
    assert db.session.get_one(Application, application_id).state is S.SUBMITTED
