"""The outbox: a letter leaves with its act or not at all, once whoever carries it, and an outage loses none."""

import smtplib
import socket
import threading
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default as modern

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from grants.kernel import clock, journal, outbox
from grants.kernel.db import db, unit_of_work
from grants.kernel.outbox import FolderCarrier, Letter, SmtpCarrier, carrier_for

SENDER = "Fonds d’innovation sociale <fonds@exemple.example>"
NOON = datetime(2019, 2, 14, 11, 0, tzinfo=UTC)


class RecordingCarrier:
    """A carrier that keeps what it is given, and fails when told."""

    def __init__(self, *troubles):
        self.messages = []
        self.troubles = list(troubles)

    def __call__(self, message):
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is not None:
            raise trouble
        self.messages.append(message)


def letters(count=1, **changes):
    made = []
    with unit_of_work() as session:
        for i in range(count):
            values = {
                "kind": "test",
                "recipient": f"personne{i}@exemple.example",
                "subject": "Votre dossier est déposé",
                "body": "Bonjour,\n\nMerci.\n",
                "locale": "fr",
                "dedup": f"test-{i}",
                "created_at": clock.now() + timedelta(seconds=i),
            }
            made.append(Letter(**{**values, **changes}))
        session.add_all(made)
    return made


def test_a_letter_leaves_once_and_says_so(app):
    (letter,) = letters()
    carrier = RecordingCarrier()
    assert outbox.waiting() == 1
    assert outbox.deliver(carrier, SENDER) == 1
    assert outbox.deliver(carrier, SENDER) == 0
    assert len(carrier.messages) == 1
    assert letter.sent_at is not None
    assert outbox.waiting() == 0


def test_the_journal_knows_what_a_letter_says_and_nothing_of_how_it_leaves(app):
    letters(2)
    seq = journal.head()[0]
    assert (
        db.session.scalars(select(journal.Entry).order_by(journal.Entry.seq.desc())).first().event == "letter.written"
    )
    outbox.deliver(RecordingCarrier(OSError("no relay")), SENDER)
    assert outbox.deliver(RecordingCarrier(), SENDER) == 1
    assert journal.head()[0] == seq
    assert list(journal.wrong_rows()) == []


@pytest.mark.parametrize("column", ["kind", "recipient", "subject", "body", "locale", "dedup", "created_at"])
def test_the_database_refuses_to_change_what_a_letter_says(app, column):
    letters()
    value = NOON if column == "created_at" else "xx"
    with pytest.raises(DBAPIError), unit_of_work() as session:
        session.execute(update(Letter).values({column: value}))


def secret_letter(kind="people_reset", **context):
    with unit_of_work():
        return outbox.write(kind, to="a@exemple.example", dedup="secret", secret="le-secret-du-lien", **context)


@pytest.mark.parametrize(
    ("kind", "context"),
    [
        ("people_reset", {"hours": 1}),
        ("people_confirm", {"days": 3}),
        ("people_known", {}),
        ("people_invitation", {"organisation": "A", "inviter": "B", "days": 14}),
    ],
)
def test_what_opens_something_leaves_with_its_letter_and_is_then_forgotten(app, kind, context):
    letter = secret_letter(kind, **context)
    assert "le-secret-du-lien" not in letter.body + letter.secret
    carrier = RecordingCarrier()
    outbox.deliver(carrier, SENDER)
    assert "le-secret-du-lien" in carrier.messages[0].get_content()
    assert letter.secret is None
    assert outbox.SECRET in outbox.body_of(letter)


def test_a_letter_that_did_not_leave_keeps_what_it_needs(app):
    letter = secret_letter(hours=1)
    outbox.deliver(RecordingCarrier(OSError("no relay")), SENDER)
    assert "le-secret-du-lien" in outbox.body_of(letter)
    with clock.fixed(clock.now() + outbox.SECRETS_RETENTION + timedelta(hours=1)), unit_of_work():
        assert outbox.forget_secrets() == 1
    db.session.expire_all()
    assert letter.secret is None


def test_a_letter_vanishes_with_the_act_that_failed(app):
    def act():
        db.session.add(Letter(kind="t", recipient="a@b.example", subject="s", body="b", locale="fr", dedup="d",
                              created_at=clock.now()))  # fmt: skip
        db.session.flush()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), unit_of_work():
        act()
    assert outbox.waiting() == 0


def test_several_workers_carry_each_letter_exactly_once_in_order(app):
    letters(30)
    carriers = [RecordingCarrier() for _ in range(3)]

    def worker(carrier):
        with app.app_context():
            while outbox.deliver(carrier, SENDER, limit=4):
                pass
            db.session.remove()

    threads = [threading.Thread(target=worker, args=(carrier,)) for carrier in carriers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    carried = [[message["To"] for message in carrier.messages] for carrier in carriers]
    numbers = [[int(name.removeprefix("personne").partition("@")[0]) for name in names] for names in carried]
    assert sorted(number for each in numbers for number in each) == list(range(30))
    assert all(each == sorted(each) for each in numbers)


def test_two_sessions_never_hold_the_same_lease(app):
    letters(1)
    taken = []

    def claim():
        with app.app_context():
            taken.append(outbox.claim())
            db.session.remove()

    threads = [threading.Thread(target=claim) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each is None for each in taken) == [False, True]


def test_a_letter_held_by_a_worker_that_died_is_taken_again_after_its_lease(app):
    with clock.fixed(NOON):
        (letter,) = letters()
        assert outbox.claim() == letter.id
        assert outbox.deliver(RecordingCarrier(), SENDER) == 0
    with clock.fixed(NOON + outbox.LEASE + timedelta(seconds=1)):
        carrier = RecordingCarrier()
        assert outbox.deliver(carrier, SENDER) == 1
    assert carrier.messages[0]["Message-ID"] == f"<{letter.id}@exemple.example>"


def test_no_transaction_is_open_while_the_relay_is_spoken_to(app):
    letters()
    seen = []
    outbox.deliver(lambda _message: seen.append(db.session().in_transaction()), SENDER)
    assert seen == [False]


@pytest.mark.parametrize(
    "trouble",
    [
        ConnectionRefusedError(111, "refused"),
        TimeoutError("slow"),
        smtplib.SMTPServerDisconnected("gone"),
        smtplib.SMTPAuthenticationError(535, b"no"),
        smtplib.SMTPSenderRefused(550, b"no", SENDER),
    ],
)
def test_an_outage_of_days_loses_no_letter_and_asks_the_relay_once_a_round(app, trouble):
    with clock.fixed(NOON):
        made = letters(3)
    for minutes in range(0, 3 * 24 * 60, 240):
        with clock.fixed(NOON + timedelta(minutes=minutes + 1)):
            carrier = RecordingCarrier(trouble, trouble)
            assert outbox.deliver(carrier, SENDER) == 0
            assert len(carrier.troubles) == 1
    assert outbox.given_up() == 0
    db.session.expire_all()
    assert type(trouble).__name__ in (made[0].error or "")
    with clock.fixed(NOON + timedelta(days=4)):
        assert outbox.deliver(carrier := RecordingCarrier(), SENDER) == 3
    assert [message["To"] for message in carrier.messages] == [letter.recipient for letter in made]


def test_a_refused_letter_lets_the_next_ones_leave_and_is_given_up_in_the_end(app):
    refusal = smtplib.SMTPRecipientsRefused({"personne0@exemple.example": (550, b"unknown")})
    with clock.fixed(NOON):
        refused, other = letters(2)
        assert outbox.deliver(RecordingCarrier(refusal), SENDER) == 1
        assert other.sent_at is not None
    for day in range(1, outbox.MAX_ATTEMPTS + 3):
        with clock.fixed(NOON + timedelta(days=day)):
            assert outbox.deliver(RecordingCarrier(refusal), SENDER) == 0
    db.session.expire_all()
    assert refused.attempts == outbox.MAX_ATTEMPTS
    assert "unknown" in (refused.error or "")
    assert outbox.given_up() == 1


@pytest.mark.parametrize(
    "recipient", ["a@b.example\r\nBcc: autre@b.example", "a@b.example\nX-Y: z", "pas une adresse\n"]
)
def test_no_address_brings_a_header_with_it(app, recipient):
    letters(recipient=recipient)
    carrier = RecordingCarrier()
    assert outbox.deliver(carrier, SENDER) == 0
    assert carrier.messages == []
    assert "ValueError" in (db.session.scalar(select(Letter.error)) or "")


def test_no_subject_brings_a_header_with_it(app):
    letters(subject="Votre dossier\nBcc: autre@exemple.example")
    carrier = RecordingCarrier()
    assert outbox.deliver(carrier, SENDER) == 0
    assert carrier.messages == []


def test_the_folder_holds_a_mail_any_program_opens(app, tmp_path):
    (letter,) = letters()
    outbox.deliver(FolderCarrier(tmp_path / "mail"), SENDER)
    (path,) = (tmp_path / "mail").iterdir()
    message = message_from_bytes(path.read_bytes(), policy=modern)
    assert path.name == f"{letter.id}.eml"
    assert message["Subject"] == "Votre dossier est déposé"
    assert message["From"].addresses[0].display_name == "Fonds d’innovation sociale"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "fr"
    assert message.get_content().splitlines() == ["Bonjour,", "", "Merci."]


@pytest.mark.parametrize(
    "url",
    ["http://relais.example", "smtp:", "relais.example:25", "smtp://moi:secret@relais.example", "smtps://"],
)
def test_a_relay_that_cannot_be_or_would_tell_a_password_is_refused(url, tmp_path):
    with pytest.raises(ValueError, match="MAIL_URL"):
        carrier_for(url, tmp_path)


def test_without_a_relay_letters_go_to_the_folder_of_the_instance(tmp_path):
    assert carrier_for("", tmp_path) == FolderCarrier(tmp_path / "mail")
    assert carrier_for("smtp+starttls://moi:secret@relais.example", tmp_path) == SmtpCarrier(
        "smtp+starttls://moi:secret@relais.example"
    )


class Relay(threading.Thread):
    """The least a relay can be: greets, takes one message, keeps it."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.heard = []

    def run(self):
        connection, _ = self.socket.accept()
        with connection, connection.makefile("rwb") as line:
            self.say(line, "220 relais")
            is_body = False
            for heard in line:
                self.heard.append(heard)
                if is_body:
                    if heard == b".\r\n":
                        is_body = False
                        self.say(line, "250 pris")
                    continue
                word = heard[:4].upper().strip()
                is_body = word == b"DATA"
                self.say(line, {b"DATA": "354 j’écoute", b"QUIT": "221 adieu"}.get(word, "250 bien"))
                if word == b"QUIT":
                    return

    @staticmethod
    def say(line, words):
        line.write(words.encode() + b"\r\n")
        line.flush()


def test_a_relay_receives_the_letter(app):
    letters()
    relay = Relay()
    relay.start()
    assert outbox.deliver(SmtpCarrier(f"smtp://127.0.0.1:{relay.port}"), SENDER) == 1
    relay.join(10)
    relay.socket.close()
    heard = b"".join(relay.heard)
    # The words of the protocol have no case (RFC 5321, 2.4), and the standard library changed its own.
    assert b"mail from:<fonds@exemple.example>" in heard.lower()
    assert b"rcpt to:<personne0@exemple.example>" in heard.lower()
    assert b"Subject: Votre dossier est =?utf-8?" in heard


def test_no_relay_at_all_is_an_outage(app):
    letters()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert outbox.deliver(SmtpCarrier(f"smtp://127.0.0.1:{port}"), SENDER) == 0
    assert outbox.waiting() == 1
