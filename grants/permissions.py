"""Every permission, as a constant; who may do what is said in `policy.py`, when in each `lifecycle.py`.

Python and templates name a permission by its constant (`P.CALL_EDIT`), never by its text.
"""

from enum import StrEnum


class P(StrEnum):
    """Permissions; the values, `thing:act`, are what documents and the table of rights show."""

    # people
    ACCOUNT_OWN = "account:own"
    ORGANISATION_CREATE = "organisation:create"
    ORGANISATION_READ = "organisation:read"
    ORGANISATION_EDIT = "organisation:edit"
    ORGANISATION_INVITE = "organisation:invite"
    ORGANISATION_HAND_OVER = "organisation:hand_over"
    PEOPLE_LIST = "people:list"
    PEOPLE_APPOINT = "people:appoint"
    # programme
    PROGRAMME_EDIT = "programme:edit"
    LAW_CONFIRM = "law:confirm"
    # calls
    CALL_LIST = "call:list"
    CALL_EDIT = "call:edit"
    CALL_OPEN = "call:open"
    CALL_ASK = "call:ask"
    CALL_ANSWER = "call:answer"
    # documents
    DOCUMENT_READ = "document:read"
    DOCUMENT_KEEP = "document:keep"
    # applications
    APPLICATION_START = "application:start"
    APPLICATION_READ_OWN = "application:read_own"
    APPLICATION_ARCHIVE = "application:archive"
    APPLICATION_EDIT = "application:edit"
    APPLICATION_SUBMIT = "application:submit"
    APPLICATION_WITHDRAW = "application:withdraw"
    PAPER_ENTER = "paper:enter"
    PIECE_ANSWER = "piece:answer"
    EXTENSION_GIVE = "extension:give"
    FILE_READ = "file:read"
    # screening
    SCREENING_READ = "screening:read"
    SCREENING_DECIDE = "screening:decide"
    # messages
    MESSAGE_LIST = "message:list"
    MESSAGE_READ = "message:read"
    MESSAGE_WRITE = "message:write"
    # reviewing
    INTEREST_OWN = "interest:own"
    REVIEW_ASSIGN = "review:assign"
    REVIEW_LIST = "review:list"
    INTEREST_DECLARE = "interest:declare"
    REVIEW_READ = "review:read"
    REVIEW_MARK = "review:mark"
    REVIEW_SUBMIT = "review:submit"
    # deliberation
    MEETING_READ = "meeting:read"
    MEETING_EDIT = "meeting:edit"
    MEETING_CALIBRATE = "meeting:calibrate"
    RECOMMENDATION_MAKE = "recommendation:make"
    MEETING_FREEZE = "meeting:freeze"
    ACT_RECORD = "act:record"
    RESULTS_PUBLISH = "results:publish"
    DECISION_READ_OWN = "decision:read_own"
    # appeals
    APPEAL_LODGE = "appeal:lodge"
    APPEAL_READ = "appeal:read"
    APPEAL_WITHDRAW = "appeal:withdraw"
    APPEAL_LIST = "appeal:list"
    APPEAL_ANSWER = "appeal:answer"
    # awards
    AWARD_LIST = "award:list"
    AWARD_READ = "award:read"
    AWARD_READ_OWN = "award:read_own"
    AGREEMENT_PREPARE = "agreement:prepare"
    AGREEMENT_SIGN = "agreement:sign"
    BANK_DETAILS_GIVE = "bank_details:give"
    BANK_DETAILS_LIST = "bank_details:list"
    BANK_DETAILS_REVEAL = "bank_details:reveal"
    BANK_DETAILS_CONFIRM = "bank_details:confirm"
    INSTALMENT_PLAN = "instalment:plan"
    PAYMENT_PREPARE = "payment:prepare"
    PAYMENT_APPROVE = "payment:approve"
    PAYMENT_STOP = "payment:stop"
    PAYMENT_RECORD = "payment:record"
    REPORT_WRITE = "report:write"
    REPORT_DECIDE = "report:decide"
    AWARD_CLOSE = "award:close"
    # desk and observatory
    DESK_HOME = "desk:home"
    DOSSIER_LIST = "dossier:list"
    DOSSIER_READ = "dossier:read"
    JOURNAL_READ = "journal:read"
    TRACKING_READ = "tracking:read"
    EXPORT_MAKE = "export:make"
    FILE_SEND = "file:send"
    JOB_OWN = "job:own"
    JOB_RESULT = "job:result"
    DEMO_MAIL_READ = "demo_mail:read"
