"""Delivery reports and refusals of the relay: what marks an address, what is refused, and what ends it."""

import smtplib
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from grants.kernel import bounces, clock, journal, outbox, refusals
from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import InvalidError
from grants.kernel.outbox import Letter
from grants.kernel.refusals import RefusedAddress

SENDER = "Le fonds <fonds@exemple.example>"
BY = system("essai")
ADDRESS = "awa@exemple.example"
OTHER = "7ceb34ee-d12e-4b74-bbe4-ad438332f14b"  # of no letter


def letter(created_at=None, recipient=ADDRESS):
    with unit_of_work() as session:
        found = Letter(kind="test", recipient=recipient, subject="Objet", body="Bonjour.\n", locale="fr",
                       dedup=uuid4().hex, created_at=created_at or clock.now())  # fmt: skip
        session.add(found)
    return found


def report(found, *recipients, headers=True, returned=None):
    """A delivery report as Postfix writes it; `recipients` as (action, status)."""
    about = "\r\n\r\n".join(
        f"Final-Recipient: rfc822; {ADDRESS}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {status} unknown user" for action, status in recipients or [("failed", "5.1.1")]
    )  # fmt: skip
    kind = "text/rfc822-headers" if headers else "message/rfc822"
    back = returned or f"From: fonds@exemple.example\r\nMessage-ID: <{found.id}@exemple.example>\r\nSubject: Objet\r\n"
    body = "" if headers else "\r\nBonjour.\r\n"
    return (
        "From MAILER-DAEMON\r\nFrom: MAILER-DAEMON@relais.example\r\nSubject: Undelivered Mail\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nCould not be delivered.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relais.example\r\n\r\n{about}\r\n"
        f"--b\r\nContent-Type: {kind}\r\n\r\n{back}{body}\r\n--b--\r\n"
    ).encode()


def take(content):
    with unit_of_work():
        return bounces.take(content, by=BY)


def lines():
    return db.session.scalars(select(journal.Entry).where(journal.Entry.event == "letter.refused")).all()


@pytest.mark.parametrize("headers", [True, False])
def test_a_report_about_a_letter_of_ours_marks_its_address_once(app, headers):
    found = letter()
    assert take(report(found, headers=headers)) == bounces.Outcome(is_permanent=True, marked=True)
    known = refusals.refused(ADDRESS)
    assert (known.status, known.source) == ("5.1.1", "report")
    assert take(report(found)) == bounces.Outcome(is_permanent=True, marked=False)
    (line,) = lines()
    assert line.subject_id == found.id
    assert ADDRESS not in line.data
    assert list(journal.wrong_rows()) == []


@pytest.mark.parametrize("recipient", [("delayed", "4.4.1"), ("delivered", "2.0.0"), ("failed", "4.2.2"), ("", "")])
def test_what_may_still_arrive_marks_nothing(app, recipient):
    assert take(report(letter(), recipient)) == bounces.Outcome(is_permanent=False, marked=False)
    assert refusals.refused(ADDRESS) is None


def test_a_letter_written_before_its_address_was_checked_marks_it_no_more(app):
    before = letter(clock.now() - timedelta(days=2))
    take(report(before))
    with unit_of_work():
        refusals.clear(db.session.get(RefusedAddress, ADDRESS), by=BY)
    assert not take(report(before)).marked
    assert refusals.refused(ADDRESS) is None
    assert take(report(letter(clock.now() + timedelta(minutes=1)))).marked
    assert refusals.refused(ADDRESS) is not None


def nested(levels):
    """Parts within parts without end."""
    head = 'Content-Type: multipart/report; report-type=delivery-status; boundary="b{0}"\r\n\r\n--b{0}\r\n'
    return "".join(head.format(level) for level in range(levels)).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"  \r\n", b"\x00\xff\xfe" * 2000, b"Bonjour,\r\n\r\nVotre dossier ?\r\n", nested(3000),
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nrien\r\n--b--\r\n",
        b"Content-Type: multipart/report; report-type*=%ff%fe''x; boundary=b\r\n\r\n--b\r\n\r\nrien\r\n--b--\r\n",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 5000,
        b"x" * (bounces.LARGEST + 1),
    ],
    ids=["nothing", "blank", "bytes", "a letter", "nested", "no status", "odd header", "many parts", "large"],
)  # fmt: skip
def test_what_is_no_report_is_refused_in_words(app, content):
    with pytest.raises(InvalidError):
        take(content)
    db.session.rollback()
    assert lines() == []


@pytest.mark.parametrize(
    "returned",
    [
        "Message-ID: <pas-une-cle@exemple.example>\r\n",
        f"Message-ID: <{OTHER}@exemple.example>\r\n",
        "Subject: sans clé\r\n",
        f"Message-ID: <{OTHER}@{'x' * 5000}>\r\n",
    ],
    ids=["not a key", "another key", "no key", "too long"],
)
def test_a_report_about_no_letter_of_ours_is_not_believed(app, returned):
    with pytest.raises(InvalidError, match="ne désigne aucun courriel"):
        take(report(letter(), returned=returned))
    db.session.rollback()
    assert refusals.refused(ADDRESS) is None


@pytest.mark.parametrize(
    ("code", "text", "status"),
    [
        (550, "5.1.1 unknown user", "5.1.1"),
        (550, "no such user", "550"),
        (450, "4.2.0 try later", None),
        (550, "4.2.0 try later", None),
        (530, "5.7.0 authentication required", None),
        (554, "5.7.1 relay access denied", None),
        (503, "need MAIL first", None),
    ],
)
def test_a_refusal_of_the_relay_speaks_of_an_address_or_of_us(code, text, status):
    assert refusals.permanent_status(code, text) == status


def test_the_relay_refuses_an_address_for_good_and_a_later_letter_does_not_clear_it(app):
    found = letter()

    def refuse(message):
        raise smtplib.SMTPRecipientsRefused({ADDRESS: (550, b"5.1.1 unknown user")})

    assert outbox.deliver(refuse, SENDER) == 0
    known = refusals.refused(ADDRESS)
    assert (known.status, known.source) == ("5.1.1", "relay")
    with clock.fixed(clock.now() + timedelta(hours=1)):
        outbox.deliver(refuse, SENDER)
        assert len(lines()) == 1
    with clock.fixed(clock.now() + timedelta(hours=3)):
        assert outbox.deliver(lambda _message: None, SENDER) == 1
    db.session.expire_all()
    assert found.sent_at is not None
    assert refusals.refused(ADDRESS) is not None
    assert list(journal.wrong_rows()) == []


def test_a_relay_in_trouble_marks_nobody(app):
    letter()

    def trouble(message):
        raise smtplib.SMTPRecipientsRefused({ADDRESS: (451, b"4.3.0 try later")})

    outbox.deliver(trouble, SENDER)
    assert refusals.refused(ADDRESS) is None


def test_parts_within_parts_are_counted_before_anything_is_read():
    nested = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(11))
    with pytest.raises(InvalidError, match="trop grand"):
        bounces.read(nested)
