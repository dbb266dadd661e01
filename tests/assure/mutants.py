"""The tests, tested: copies of the application with one protection removed, each to be caught by what concerns it.

A protection that can be taken away without a test noticing is one nobody keeps. Each mutant changes a few words of one
file in a copy of the tree and runs the tests named beside it; the same tests pass, all together, on a copy where
nothing is changed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.assure.figures import Reading, figure
from tests.site import ROOT, Workspace

PARTS = ("grants", "templates", "static", "tests", "docs", "wsgi.py", "pyproject.toml")
PASSED, FAILED = 0, 1


@dataclass(frozen=True)
class Mutant:
    """One protection removed: in `file`, `before` (found once) becomes `after`; `tests` are what must notice.

    They are written as for pytest: files, then perhaps `-k` and an expression.
    """

    name: str
    file: str
    before: str
    after: str
    tests: str

    @property
    def files(self) -> list[str]:
        """The files of its tests."""
        return self.tests.partition(" -k ")[0].split()

    @property
    def expression(self) -> str:
        """What selects its tests among all, in pytest's words for `-k`."""
        selection = self.tests.partition(" -k ")[2].strip("'")
        files = " or ".join(Path(file).name for file in self.files)
        return f"(({selection}) and ({files}))" if selection else f"({files})"


MUTANTS = (
    Mutant(
        "expected ranks of those from whom other dossiers are kept", "grants/deliberation/queries.py",
        ", Calibration.hidden == hidden_digest(ranking, actor))", ")",
        "tests/deliberation/test_calibration.py -k recused",
    ),
    Mutant(
        "expected ranks wait for one's own reviews", "grants/deliberation/queries.py",
        '    if owed:\n        return _l("Le rang', '    if False:\n        return _l("Le rang',
        "tests/deliberation/test_calibration.py -k owes",
    ),
    Mutant(
        "proposals that nothing tells apart are tied", "grants/methods/standings.py",
        "_alike(given.numbers, compared[0].round(DIGITS), compared[1].round(DIGITS))", "np.arange(size)",
        "tests/methods/test_ranking.py -k tied",
    ),
    Mutant(
        "marks are ordered by what they are, not by names", "grants/methods/effects.py",
        "    for _round in range(4):\n", "    for _round in range(0):\n",
        "tests/methods/test_ranking.py -k other_names",
    ),
    Mutant(
        "what was not asked leaves a submitted dossier", "grants/applications/actions.py",
        "    if unasked:\n        _forget_unasked(application, by=by)\n", "",
        "tests/applications/test_asked.py -k keeps_nothing",
    ),
    Mutant(
        "states against the journal", "grants/kernel/journal.py",
        "        if key in states and states[key] != state:\n", "        if False:\n",
        "tests/cli/test_verify.py -k what_was_expected",
    ),
    Mutant(
        "rows against the journal", "grants/kernel/rowdigests.py",
        "            elif expected[1] != digest:\n", "            elif False:\n",
        "tests/cli/test_verify.py -k every_forgery",
    ),
    Mutant(
        "rows without a line", "grants/kernel/rowdigests.py",
        "                yield Difference(table, key, None, digest)\n", "                continue\n",
        "tests/cli/test_verify.py -k every_forgery",
    ),
    Mutant(
        "head kept elsewhere", "grants/kernel/head.py",
        "    if digest != earlier.digest:\n", "    if False:\n",
        "tests/cli/test_verify.py -k rewritten",
    ),
    Mutant(
        "papers as issued", "grants/awards/letters.py", "    if paper is None:\n", "    if True:\n",
        "tests/kernel/test_issued_papers.py -k byte_for_byte",
    ),
    Mutant(
        "permission", "grants/policy.py", 'P.ACT_RECORD: acts("manager"),', "P.ACT_RECORD: acts(*STAFF),",
        "tests/architecture/test_access.py",
    ),
    Mutant(
        "demonstration asked for", "grants/config.py", 'is_demo=env.get("GRANTS_DEMO", "") == "1",',
        'is_demo=env.get("GRANTS_DEMO", "") == "1" or not given,', "tests/cli/test_cli.py -k inferred",
    ),
    Mutant(
        "demonstration apart from a relay", "grants/config.py",
        "if self.is_demo and (self.mail_url or self.trusted_proxies or not _is_on_this_machine(self.base_url)):",
        "if self.is_demo and not _is_on_this_machine(self.base_url):", "tests/cli/test_cli.py -k relay",
    ),
    Mutant(
        "demonstration served as a real fund by another server", "wsgi.py", "if trouble:\n    sys.exit(trouble)\n", "",
        "tests/cli/test_cli.py -k wrong_mode",
    ),
    Mutant(
        "demonstration served by the factory alone", "grants/app.py", "    if settings is None:\n", "    if False:\n",
        "tests/cli/test_cli.py -k by_its_factory",
    ),
    Mutant(
        "secret of a letter that left", "grants/kernel/outbox.py",
        'forgotten = {} if keep_secrets else {"secret": None}', "forgotten = {}",
        "tests/kernel/test_outbox.py -k forgotten",
    ),
    Mutant(
        "visibility filter", "grants/desk/queries.py",
        "        *([Application.id.not_in(linked)] if linked else []),\n", "",
        "tests/desk/test_routes.py -k linked_dossier",
    ),
    Mutant(
        "foreign dossier", "grants/policy.py", "Application: own_or_entered | (reads(*STAFF) & submitted),",
        "Application: anyone,", "tests/applications/test_routes.py -k strangers",
    ),
    Mutant(
        "a dossier that is being entered, from its organisation", "grants/policy.py",
        "own_or_entered = (member & ~being_entered) |", "own_or_entered = member |",
        "tests/applications/test_paper.py -k hidden_from",
    ),
    Mutant(
        "a paper dossier judged by whoever entered it", "grants/policy.py",
        "    return applications.has_entered(actor.id, application)\n", "    return False\n",
        "tests/applications/test_paper.py -k 'does_not_decide'",
    ),
    Mutant(
        "a postmark after the closing", "grants/applications/rules.py", "    if days.sent_on > closed_on:\n",
        "    if False:\n", "tests/applications/test_paper.py -k not_in_time",
    ),
    Mutant(
        "an approval of another text", "grants/applications/queries/approvals.py",
        " and found.read == digest_to_read(application)", "",
        "tests/applications/test_approvals.py -k one_text",
    ),
    Mutant(
        "a code that was not sent", "grants/applications/actions.py",
        "    is_right = approval.code is not None and hmac", "    is_right = approval.code is None or True or hmac",
        "tests/applications/test_approvals.py -k serves_once",
    ),
    Mutant(
        "documents that no dossier holds", "grants/policy.py",
        "is_private = subject.dossier_id is None and documents.is_kept_file(subject.id)", "is_private = False",
        "tests/documents/test_routes.py -k staff_reads_only",
    ),
    Mutant(
        "calendar after a new password", "grants/people/actions.py",
        '    end_sessions(account, by=by, why=f"password_{how}")\n    _forget_calendar(account.id)\n',
        '    end_sessions(account, by=by, why=f"password_{how}")\n',
        "tests/desk/test_calendar.py -k ends_with_a_new_one",
    ),
    Mutant(
        "calendar of one's own organisations", "grants/desk/queries.py",
        "Application.organisation_id.in_(mine), Call.state == CallState.OPENED,", "Call.state == CallState.OPENED,",
        "tests/desk/test_calendar.py -k title_alone",
    ),
    Mutant(
        "questions that nobody published", "grants/calls/queries.py",
        "    published = PublicQuestion.call_id == call_id, PublicQuestion.is_published.is_(True)\n",
        "    published = (PublicQuestion.call_id == call_id,)\n",
        "tests/calls/test_asked.py -k answered_to_one_person",
    ),
    Mutant(
        "questions of members", "grants/policy.py", "    P.CALL_ASK: confirmed & of_an_organisation,\n",
        "    P.CALL_ASK: confirmed,\n", "tests/calls/test_asked.py -k only_an_open_call",
    ),
    Mutant(
        "questions after the closing", "grants/calls/actions.py",
        '    if not rules.is_open(call, clock.now()):\n        raise RefusedError(_("Cet appel ne prend',
        '    if False:\n        raise RefusedError(_("Cet appel ne prend',
        "tests/calls/test_asked.py -k only_an_open_call",
    ),
    Mutant(
        "messages of a draft", "grants/policy.py",
        'message_reader = member | reads("manager", "auditor") | (reads(*STAFF) & submitted)',
        "message_reader = member | reads(*STAFF)",
        "tests/messages/test_routes.py -k no_part_in_it",
    ),
    Mutant(
        "files of messages", "grants/policy.py", "    | (assigned & submitted & ~of_message & ~of_appeal)\n",
        "    | (assigned & submitted)\n", "tests/messages/test_routes.py -k no_part_in_it",
    ),
    Mutant(
        "files of appeals", "grants/policy.py", "    | (reads(*STAFF) & submitted & ~of_appeal)\n",
        "    | (reads(*STAFF) & submitted)\n", "tests/appeals/test_routes.py -k no_part_in_it",
    ),
    Mutant(
        "who decided answers", "grants/appeals/queries.py", "    return DECIDED_IT if gave or ",
        "    return DECIDED_IT if False and ", "tests/appeals/test_routes.py -k whoever_decided",
    ),
    Mutant(
        "appeals that wait", "grants/appeals/queries.py",
        "    return [Appeal.application_id.not_in(hidden)] if hidden else []\n", "    return []\n",
        "tests/appeals/test_routes.py -k no_part_in_it",
    ),
    Mutant(
        "an appeal too late", "grants/appeals/rules.py", "        return on <= self.at_latest\n",
        "        return True\n", "tests/appeals/test_rules.py -k taken_until",
    ),
    Mutant(
        "reports about no letter", "grants/kernel/bounces.py", "    if letter_id is None:\n", "    if False:\n",
        "tests/kernel/test_bounces.py -k not_believed",
    ),
    Mutant(
        "old delivery reports", "grants/kernel/refusals.py", " or letter.created_at <= known.cleared_at:\n", ":\n",
        "tests/kernel/test_bounces.py -k written_before",
    ),
    Mutant(
        "letters of messages", "grants/messages/letters.py",
        "        if is_of_fund and may_know(message.conversation, manager):\n", "        if is_of_fund:\n",
        "tests/messages/test_routes.py -k with_a_link",
    ),
    Mutant(
        "messages that wait", "grants/messages/queries.py", "    if hidden:\n", "    if not hidden:\n",
        "tests/messages/test_routes.py -k with_a_link",
    ),
    Mutant(
        "a message of one's own side", "grants/messages/actions.py",
        "    if message.from_fund is is_of_fund(message.application, by):\n", "    if False:\n",
        "tests/messages/test_routes.py -k other_side_wrote_once",
    ),
    Mutant(
        "messages after the end", "grants/messages/actions.py", "    if reason is not None:\n", "    if False:\n",
        "tests/messages/test_routes.py -k takes_no_more",
    ),
    Mutant(
        "a document that a dossier holds", "grants/documents/actions.py",
        "    if queries.is_used(document):\n", "    if False:\n",
        "tests/documents/test_actions.py -k holds_is_not_taken_out",
    ),
    Mutant(
        "a document offered to its own piece and organisation", "grants/applications/actions.py",
        "    document = documents.offered_one(application.organisation_id, piece, document_id)\n",
        "    document = db.session.get(documents.OrganisationDocument, document_id)\n",
        "tests/documents/test_actions.py -k its_own_organisation",
    ),
    Mutant(
        "answers of another organisation", "grants/applications/actions.py",
        "    if earlier.organisation_id != application.organisation_id:\n", "    if False:\n",
        "tests/applications/test_earlier.py -k another_organisation",
    ),
    Mutant(
        "an answer changed meanwhile", "grants/applications/actions.py",
        "if answer.name in chosen]", 'if answer.name.rpartition("|")[0] in {one.rpartition("|")[0] for one in chosen}]',
        "tests/applications/test_earlier.py -k replaced_only_when_ticked",
    ),
    Mutant(
        "recusal", "grants/reviewing/queries.py",
        "AssignmentState.SUBMITTED, ~linked", "AssignmentState.SUBMITTED, linked | ~linked",
        "tests/reviewing/test_queries.py",
    ),
    Mutant(
        "a field that two people changed", "grants/applications/rules.py",
        "        if theirs.version != base != mine.version != theirs.version:\n", "        if False:\n",
        "tests/applications/test_actions.py -k stale_page",
    ),
    Mutant(
        "a field that somebody else changed", "grants/applications/rules.py",
        "theirs if mine.version == base or path in conflicts else mine\n", "mine\n",
        "tests/applications/test_actions.py -k what_each_changed",
    ),
    Mutant(
        "a dossier told once submitted", "grants/applications/models.py",
        "return cls.state == ApplicationState.DRAFT\n", "return cls.state != ApplicationState.WITHDRAWN\n",
        "tests/applications/test_actions.py -k told_to_the_journal",
    ),
    Mutant(
        "one line for a sitting", "grants/applications/actions.py",
        "    since = clock.now() - SITTING\n", "    since = clock.now()\n",
        "tests/applications/test_actions.py -k one_line_for",
    ),
    Mutant(
        "a save that is sent again", "grants/applications/routes.py",
        "if save.number <= received}", "if save.number < 0}",
        "tests/applications/test_routes_saves.py -k second_effect",
    ),
    Mutant(
        "what a page saved itself", "grants/applications/actions.py",
        'rules.versions_in(stamp or "") | _own_versions(application, section, stored, writer)\n',
        'rules.versions_in(stamp or "")\n',
        "tests/applications/test_routes_saves.py -k not_in_conflict",
    ),
    Mutant(
        "the account of a key", "grants/kernel/encryption.py", 'info=b"device:" + account_id.bytes', 'info=b"device:"',
        "tests/people/test_stored_forms.py -k own_account_alone",
    ),
    Mutant(
        "scripts sent packed", "grants/kernel/pages.py", "app.wsgi_app = packed_scripts(files)", "app.wsgi_app = files",
        "tests/kernel/test_pages.py -k scripts_are_sent_packed",
    ),
    Mutant(
        "a wrong answer bars the submission", "grants/applications/actions.py",
        ", *queries.wrong_answers(application)]", "]",
        "tests/applications/test_actions.py -k bars_the_submission",
    ),
    Mutant(
        "a past value put back over a change", "grants/applications/actions.py",
        "    if present.version != shown:\n", "    if False:\n",
        "tests/applications/test_routes_past.py -k meanwhile",
    ),
    Mutant(
        "what a past value replaces", "grants/applications/actions.py", "is_recorded=True, keeps_all=True)",
        "is_recorded=True)", "tests/applications/test_routes_past.py -k put_back_and_the_other",
    ),
    Mutant(
        "a past value of another draft", "grants/applications/queries/past.py",
        "    here = PastValue.id == past_id, PastValue.application_id == application.id, ",
        "    here = PastValue.id == past_id, ", "tests/applications/test_routes_past.py -k this_draft",
    ),
    Mutant(
        "the id of a line of another dossier", "grants/applications/actions.py",
        "kind(id=uuid4() if key in taken else key, **blank)", "kind(id=key, **blank)",
        "tests/applications/test_actions.py -k takes_the_place",
    ),
    Mutant(
        "idempotency key", "grants/kernel/access.py", 'remembered = not getattr(view, "__repeatable__", False)',
        "remembered = False", "tests/kernel/test_access.py tests/applications/test_routes.py -k press",
    ),
    Mutant(
        "envelope condition", "grants/calls/actions.py",
        "kind.committed >= -delta, kind.committed + delta <= kind.envelope)", "kind.committed >= -delta)",
        "tests/deliberation/test_actions.py -k envelope",
    ),
    Mutant(
        "closing while money is owed back", "grants/awards/actions/reporting.py",
        "if owed := queries.owed_back(award, report):", "if (owed := queries.owed_back(award, report)) and not award:",
        "tests/awards/test_actions.py -k 'paid_too_much or before_it_is_repaid'",
    ),
    Mutant(
        "bound of the ledger", "grants/awards/actions/ledger.py",
        "Award.ordered + amount <= Award.engaged - Award.released", "Award.ordered >= 0",
        "tests/awards/test_actions.py tests/awards/test_races.py -k 'bounds or beyond'",
    ),
    Mutant(
        "four eyes", "grants/awards/rules.py",
        "if approves and any(act.is_same for act in others):", "if approves and not others:",
        "tests/awards/test_chain.py -k did_anything_else",
    ),
    Mutant(
        "rule of the chain in the permission", "grants/policy.py",
        "awards.why_not_act(actor.id, subject, permission))", "awards.why_not_act(None, subject, permission))",
        "tests/awards/test_chain.py -k 'ties and INSTALMENT'",
    ),
    Mutant(
        "rule of the chain in the act", "grants/awards/actions/chain.py",
        "    ask(thing, machine.move(verb).permission, by=by)\n", "",
        "tests/awards/test_actions.py -k 'does_not_approve or takes_two_people'",
    ),
    Mutant(
        "receipt reversed once", "grants/awards/queries/recovery.py", 'reversal.id.is_(None).label("stands")',
        'literal(value=True).label("stands")', "tests/awards/test_actions.py -k reversed_once",
    ),
    Mutant(
        "escape", "grants/kernel/pages.py", "    app.jinja_env.undefined = StrictUndefined\n",
        "    app.jinja_env.undefined = StrictUndefined\n    app.jinja_env.autoescape = False\n",
        "tests/applications/test_routes.py -k strange_words",
    ),
    Mutant(
        "escape of a message shown later", "grants/kernel/words.py", "return str(escape(str(self)))",
        "return str(self)", "tests/kernel/test_pages.py -k escaped",
    ),
    Mutant(
        "CSRF", "grants/app.py", '"WTF_CSRF_TIME_LIMIT": None,',
        '"WTF_CSRF_TIME_LIMIT": None, "WTF_CSRF_CHECK_DEFAULT": False,', "tests/assure/test_short.py -k csrf",
    ),
    Mutant(
        "freeze trigger", "grants/evidence.py",
        '"JOIN call c ON c.id = p.call_id WHERE a.id = {row}.assignment_id AND c.marks_frozen_at IS NOT NULL)"',
        '"JOIN call c ON c.id = p.call_id WHERE a.id = {row}.assignment_id AND 1 = 0)"',
        "tests/deliberation/test_actions.py -k after_the_freezing",
    ),
    Mutant(
        "no version once somebody decided", "grants/applications/actions.py",
        "    reason = _why_examined(application)\n", "    reason = None\n",
        "tests/applications/test_corrections.py -k being_decided_on",
    ),
    Mutant(
        "files of an earlier version", "grants/applications/actions.py",
        "    if stored is not None and stored.dossier_id == application.id:\n", "    if stored is not None:\n",
        "tests/applications/test_corrections.py -k file_of_the_first_version",
    ),
    Mutant(
        "one version for two clicks", "grants/applications/actions.py",
        "            correction.became = number\n", "            correction.became = None\n",
        "tests/applications/test_corrections.py -k two_clicks",
    ),
    Mutant(
        "euros of the last version", "grants/applications/actions.py",
        "        db.session.execute(delete(Allocation).where(Allocation.application_id == application.id))\n",
        "        pass\n", "tests/applications/test_corrections.py -k euros_and_receipts",
    ),
    Mutant(
        "what was never submitted", "grants/policy.py",
        "    return not isinstance(application, Application) or application.submitted_at is not None\n",
        "    return True\n",
        "tests/applications/test_routes_corrections.py -k nobody_at_the_fund",
    ),
    Mutant(
        "deadline in local time", "grants/calls/rules.py", "    if at <= call.closes_at:\n",
        '    paris = __import__("zoneinfo").ZoneInfo("Europe/Paris")\n'
        "    if at.astimezone(paris) <= call.closes_at.astimezone(paris):\n",
        "tests/calls/test_rules.py",
    ),
    Mutant(
        "grace without an attempt before the closing", "grants/calls/rules.py",
        "    if attempted_at is None or not is_open(call, attempted_at):\n        return call.closes_at\n", "",
        "tests/calls/test_rules.py -k grace",
    ),
    Mutant(
        "piece that holds up payment", "grants/screening/actions.py",
        "        if piece.id not in known\n", "        if piece.id in known\n",
        "tests/screening/test_pieces.py -k payment_waits",
    ),
    Mutant(
        "piece that holds up a decision", "grants/screening/actions.py",
        "    if awaited and application.state in WAITING:\n", "    if not awaited and application.state in ():\n",
        "tests/screening/test_pieces.py -k holds_up_the_decision",
    ),
    Mutant(
        "extension of a dossier", "grants/applications/rules.py",
        "    return DossierDates(call.opens_at, extension_ends_at, call.opened_at, call.results_published_at, "
        "call.grace_minutes)\n", "    return call\n", "tests/applications/test_extensions.py -k after_the_closing",
    ),
    Mutant(
        "extension of one dossier alone", "grants/applications/actions.py",
        "    if not call_rules.is_open(call, at):\n",
        "    if not (call_rules.is_open(call, at) or queries.last_extension_end(call.id)):\n",
        "tests/applications/test_extensions.py -k no_other_dossier",
    ),
    Mutant(
        "hash chain", "grants/kernel/journal.py",
        "if entry.digest != digest_of(entry.seq, entry, entry.previous):", "if not entry.digest:",
        "tests/kernel/test_house.py -k journal",
    ),
    Mutant(
        "upload check", "grants/kernel/examining/pdf.py", 'not body.startswith(b"%PDF-")', 'b"%PDF-" not in body',
        "tests/kernel/test_uploads.py -k hostile",
    ),
    Mutant(
        "original of a file", "grants/kernel/uploads.py", "sha256=hashlib.sha256(content).hexdigest(),",
        "sha256=hashlib.sha256(found.copy or content).hexdigest(),",
        "tests/kernel/test_uploads.py -k digest_of_the_journal",
    ),
    Mutant(
        "files examined before the transaction", "grants/kernel/access.py",
        "        who = actor().id\n        db.session.rollback()\n", "        who = actor().id\n",
        "tests/kernel/test_bounded.py -k others_can_write",
    ),
    Mutant(
        "schedule of an award engaged without agreement", "grants/awards/queries/award.py",
        "    return award.engaged_on if instalments_of(award.id) else None\n", "    return None\n",
        "tests/awards/test_actions.py -k becomes_no_advance",
    ),
    Mutant(
        "embargo", "grants/observatory/queries.py",
        "and_(Decision.granted, Meeting.state == MeetingState.PUBLISHED)", "Decision.granted",
        "tests/observatory/test_routes.py -k published_awards",
    ),
    Mutant(
        "sessions", "grants/people/queries.py", 'SignIn.secret == bindparam("secret"), SignIn.ended_at.is_(None)',
        'SignIn.secret == bindparam("secret")', "tests/people/test_routes_signing.py -k copied_cookie",
    ),
    Mutant(
        "password of whoever signed up first", "grants/people/actions.py",
        '    end_sessions(account, by=_self(account), why="confirmation")\n', "",
        "tests/people/test_routes_accounts.py -k somebody_elses_address",
    ),
    Mutant(
        "services that fail are left alone", "grants/kernel/outgoing.py",
        "timedelta(0) < until - clock.now() <= LONGEST_REST", "False",
        "tests/people/test_directory.py -k left_alone",
    ),
    Mutant(
        "what the directory does not publish", "grants/people/directory.py",
        'statuses <= {"", "O"} and _UNPUBLISHED', "_UNPUBLISHED", "tests/people/test_directory.py -k not_published",
    ),
    Mutant(
        "invitation of somebody removed", "grants/people/queries.py",
        ".where(Membership.role == MemberRole.OWNER, Account.active, Account.confirmed_at.is_not(None))",
        ".where(Membership.role == MemberRole.OWNER)",
        "tests/people/test_routes_organisations.py -k dies_with_the_right",
    ),
    Mutant(
        "office given by one alone", "grants/people/actions.py",
        "    if by.id is not None and role in rules.GIVEN_BY_TWO:\n", "    if by.id is None and not role:\n",
        "tests/people/test_routes_offices.py -k two",
    ),
    Mutant(
        "account given before a hand-over", "grants/awards/queries/bank.py",
        "IN_USE = and_(BankDetails.state == BankState.CONFIRMED, ~HANDED_OVER)",
        "IN_USE = BankDetails.state == BankState.CONFIRMED", "tests/awards/test_handed_over.py -k prepared",
    ),
    Mutant(
        "last administrator at the same instant", "grants/people/actions.py",
        "    if queries.holds(account.id, Role.ADMINISTRATOR):\n", "    if False:\n", "tests/people/test_races.py",
    ),
    Mutant(
        "office of the past", "grants/policy.py", 'assigned = reads("reviewer") & AccessRule(_assigned, NOT_OPEN)',
        "assigned = AccessRule(_assigned, NOT_OPEN)", "tests/reviewing/test_interests.py -k former_member",
    ),
    Mutant(
        "interest of a member", "grants/reviewing/queries.py",
        "union_all(declared, members, former, addressed, *drafts)", "union_all(declared, former, addressed, *drafts)",
        "tests/reviewing/test_interests.py -k own_organisation",
    ),
    Mutant(
        "interest by an address of before", "grants/reviewing/queries.py",
        "union_all(declared, members, former, addressed, *drafts)", "union_all(declared, members, former, *drafts)",
        "tests/reviewing/test_interests.py -k undoes_no_link",
    ),
    Mutant(
        "kept form of another account", "grants/kernel/stored_forms.py",
        "    if row is None or account_id is None or row.account_id != account_id or row.until <= clock.now():\n",
        "    if row is None or row.until <= clock.now():\n        return None\n"
        "    account_id = row.account_id\n    if account_id is None:\n",
        "tests/people/test_stored_forms.py -k another_account",
    ),
    Mutant(
        "form of a session that is over", "grants/kernel/access.py",
        "    if owner is not None and stored_forms.keep(owner, stored_forms.Reason.SIGNED_OUT) is not None:\n",
        "    if owner is None:\n",
        "tests/people/test_stored_forms.py -k 'typed_is_sent or may_be_taken'",
    ),
    Mutant(
        "form planted with a page of before", "grants/kernel/stored_forms.py",
        '        not _is_of_today(request.form.get("_key", ""), account_id) or _is_too_often(account_id)\n',
        "        _is_too_often(account_id)\n", "tests/people/test_stored_forms.py -k before_the_password",
    ),
    Mutant(
        "form sent again by another account", "grants/kernel/stored_forms.py",
        "request.url_rule is None or is_another or", "request.url_rule is None or",
        "tests/kernel/test_send_again.py -k another_account",
    ),
    Mutant(
        "proof of arrival", "grants/kernel/stored_forms.py",
        "if not proof or not hmac.compare_digest(proof.encode(), _proof_of(instant).encode()):", "if not proof:",
        "tests/kernel/test_send_again.py -k other_words",
    ),
    Mutant(
        "parts of a call on the version shown", "grants/calls/actions.py", '    flag_modified(call, "opened_at")\n', "",
        "tests/calls/test_routes.py -k 'version_shown or changed_meanwhile'",
    ),
    Mutant(
        "office of whoever fetches a result", "grants/policy.py",
        "P.JOB_RESULT: signed_in & reasoned(jobs.why_not_given),", "P.JOB_RESULT: signed_in,",
        "tests/desk/test_jobs.py -k whoever_lost_the_office",
    ),
    Mutant(
        "dossiers kept from whoever fetches a result", "grants/kernel/jobs.py",
        "return CHANGED if job.standing != standing_of(who) else None", "return None",
        "tests/desk/test_jobs.py -k 'link_with or another_office'",
    ),
    Mutant(
        "office of whoever a job is made for", "grants/kernel/jobs.py",
        "if who is None or reason is not None:\n", "if who is None:\n",
        "tests/kernel/test_jobs.py -k office_lost_before",
    ),
    Mutant(
        "job of one person", "grants/policy.py",
        "Job: AccessRule(lambda actor, subject: subject.account_id == actor.id),", "Job: signed_in,",
        "tests/desk/test_jobs.py -k nobody_else",
    ),
    Mutant(
        "lease of a job", "grants/kernel/jobs.py",
        ".where(_JOBS.c.id == job.id, _JOBS.c.state == JobState.RUNNING, _JOBS.c.lease == lease)",
        ".where(_JOBS.c.id == job.id, _JOBS.c.state == JobState.RUNNING)",
        "tests/kernel/test_jobs.py -k comes_back_late",
    ),
    Mutant(
        "links told after a proposal", "grants/reviewing/actions.py",
        "        elif (application_id, reviewer_id) in links:\n", "        elif False:\n",
        "tests/reviewing/test_proposals.py -k 'line_by_line or nobodys_place'",
    ),
    Mutant(
        "dossiers kept from whoever asks for a proposal", "grants/reviewing/exports.py",
        "hidden = hidden_dossiers(work.actor)", "hidden = frozenset()",
        "tests/reviewing/test_proposals.py -k may_not_know",
    ),
    Mutant(
        "letters about a dossier with a link", "grants/reviewing/actions.py",
        "    if not queries.is_interested(assignment.reviewer_id, assignment.application_id):\n", "    if True:\n",
        "tests/reviewing/test_proposals.py -k not_written_to",
    ),
    Mutant(
        "formulas", "grants/kernel/sheets.py", "if zone is not None and is_formula(text)", "if False",
        "tests/kernel/test_sheets.py",
    ),
    Mutant(
        "formulas of a workbook", "grants/kernel/sheets.py", "page.write_string(row, rank, cell(value))",
        "page.write(row, rank, cell(value))", "tests/kernel/test_sheets.py",
    ),
)  # fmt: skip


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    """Give a copy of the tree that stands alone, for as long as the block lasts."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / part)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tested(tree: Path, dialect: str, mutants: Sequence[Mutant]) -> tuple[int, str]:
    """Run the tests of some mutants on a copy; give the exit code and the last lines."""
    files = list(dict.fromkeys(file for mutant in mutants for file in mutant.files))
    chosen = " or ".join(mutant.expression for mutant in mutants)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", f"--db={dialect}", "-x", "-q", "-p", "no:cacheprovider", "-k", chosen, *files],
        cwd=tree, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, "\n".join(done.stdout.splitlines()[-4:])


def misplaced(mutant: Mutant, tree: Path) -> Iterator[str]:
    """Why a mutant cannot be made of a tree, if it cannot."""
    found = (tree / mutant.file).read_text(encoding="utf-8").count(mutant.before)
    if found != 1:
        yield f"{mutant.name}: the words to change are {found} times in {mutant.file}"


def unsound(mutants: Sequence[Mutant], workspace: Workspace) -> Iterator[str]:
    """Why the tests prove nothing, if they do not pass where nothing is changed."""
    with copied(workspace.folder / "unchanged") as tree:
        code, said = tested(tree, workspace.dialect, mutants)
    if code != PASSED:
        yield f"the tests do not pass before anything is changed ({code}): {said}"


def survived(mutant: Mutant, workspace: Workspace) -> Iterator[str]:
    """Why a mutant was not caught, if it was not."""
    with copied(workspace.folder / f"mutant-{mutant.name.replace(' ', '-')}") as tree:
        file = tree / mutant.file
        if faults := list(misplaced(mutant, tree)):
            yield from faults
            return
        text = file.read_text(encoding="utf-8").replace(mutant.before, mutant.after)
        file.write_text(text, encoding="utf-8")
        code, said = tested(tree, workspace.dialect, [mutant])
        if code == PASSED:
            yield f"{mutant.name}: nobody noticed ({mutant.tests})"
        elif code != FAILED:
            yield f"{mutant.name}: its tests could not run ({code}): {said}"


@figure(
    "mutants",
    number="39",
    says="protections retirées sans qu’aucun essai ne le voie",
    minutes=9,
    databases=("sqlite",),
    short=False,
)
def mutants(workspace: Workspace) -> Reading:
    """Every mutant, one after another. One database is enough: what is removed stands above both."""
    faults = list(unsound(MUTANTS, workspace))
    faults += [fault for one in MUTANTS for fault in survived(one, workspace)]
    return Reading(len(MUTANTS), faults, least=12)
