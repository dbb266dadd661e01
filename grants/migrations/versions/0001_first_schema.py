"""The first schema: every chapter, and the guards of the evidence."""

import sqlalchemy as sa
from alembic import op

from grants import evidence
from grants.kernel import db as house

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("confirmed_at", house.Instant(timezone=True), nullable=True),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("created_at", house.Instant(timezone=True), nullable=False),
        sa.Column("sort_key", sa.String(length=220), nullable=False),
        sa.CheckConstraint("length(email) <= 254", name=op.f("ck_account_email_length")),
        sa.CheckConstraint("length(fs_uniquifier) <= 64", name=op.f("ck_account_fs_uniquifier_length")),
        sa.CheckConstraint("length(locale) <= 2", name=op.f("ck_account_locale_length")),
        sa.CheckConstraint("length(name) <= 120", name=op.f("ck_account_name_length")),
        sa.CheckConstraint("length(password) <= 255", name=op.f("ck_account_password_length")),
        sa.CheckConstraint("length(sort_key) <= 220", name=op.f("ck_account_sort_key_length")),
        sa.CheckConstraint("length(title) <= 120", name=op.f("ck_account_title_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("email", name=op.f("uq_account_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_account_fs_uniquifier")),
    )
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_sort_key"), ["sort_key"], unique=False)

    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("who", sa.String(length=254), nullable=False),
        sa.Column("at", house.Instant(timezone=True), nullable=False),
        sa.CheckConstraint("length(act) <= 40", name=op.f("ck_attempt_act_length")),
        sa.CheckConstraint("length(who) <= 254", name=op.f("ck_attempt_who_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attempt_act"), ["act"], unique=False)
        batch_op.create_index(batch_op.f("ix_attempt_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_attempt_who"), ["who"], unique=False)

    op.create_table(
        "budget_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("parent", sa.String(length=12), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("in_kind", sa.Boolean(), nullable=False),
        sa.Column("by_funder", sa.Boolean(), nullable=False),
        sa.Column("header", sa.Boolean(), nullable=False),
        sa.Column("examples", sa.String(length=300), nullable=False),
        sa.Column("examples_en", sa.String(length=300), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("side IN ('charge', 'resource')", name=op.f("ck_budget_account_side_known")),
        sa.CheckConstraint("length(code) <= 12", name=op.f("ck_budget_account_code_length")),
        sa.CheckConstraint("length(examples) <= 300", name=op.f("ck_budget_account_examples_length")),
        sa.CheckConstraint("length(examples_en) <= 300", name=op.f("ck_budget_account_examples_en_length")),
        sa.CheckConstraint("length(parent) <= 12", name=op.f("ck_budget_account_parent_length")),
        sa.CheckConstraint("length(side) <= 8", name=op.f("ck_budget_account_side_length")),
        sa.CheckConstraint("length(title) <= 200", name=op.f("ck_budget_account_title_length")),
        sa.CheckConstraint("length(title_en) <= 200", name=op.f("ck_budget_account_title_en_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_account")),
        sa.UniqueConstraint("code", name=op.f("uq_budget_account_code")),
    )
    op.create_table(
        "commune",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("insee", sa.String(length=5), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("sort_key", sa.String(length=120), nullable=False),
        sa.Column("postcodes", sa.String(length=120), nullable=False),
        sa.Column("conference", sa.String(length=80), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("successor", sa.String(length=5), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "confirmed",
                "secondary",
                "memory",
                "proposal",
                "cut",
                name="trust",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("length(conference) <= 80", name=op.f("ck_commune_conference_length")),
        sa.CheckConstraint("length(insee) <= 5", name=op.f("ck_commune_insee_length")),
        sa.CheckConstraint("length(name) <= 120", name=op.f("ck_commune_name_length")),
        sa.CheckConstraint("length(postcodes) <= 120", name=op.f("ck_commune_postcodes_length")),
        sa.CheckConstraint("length(sort_key) <= 120", name=op.f("ck_commune_sort_key_length")),
        sa.CheckConstraint("length(successor) <= 5", name=op.f("ck_commune_successor_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commune")),
        sa.UniqueConstraint("insee", name=op.f("uq_commune_insee")),
    )
    with op.batch_alter_table("commune", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_commune_sort_key"), ["sort_key"], unique=False)

    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(name) <= 60", name=op.f("ck_counter_name_length")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "framework",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("expected_actions", sa.Integer(), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("summary_en", sa.Text(), nullable=False),
        sa.Column("placeholder", sa.String(length=120), nullable=False),
        sa.Column("placeholder_en", sa.String(length=120), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(code) <= 40", name=op.f("ck_framework_code_length")),
        sa.CheckConstraint("length(name) <= 200", name=op.f("ck_framework_name_length")),
        sa.CheckConstraint("length(name_en) <= 200", name=op.f("ck_framework_name_en_length")),
        sa.CheckConstraint("length(placeholder) <= 120", name=op.f("ck_framework_placeholder_length")),
        sa.CheckConstraint("length(placeholder_en) <= 120", name=op.f("ck_framework_placeholder_en_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_framework")),
        sa.UniqueConstraint("code", name=op.f("uq_framework_code")),
    )
    op.create_table(
        "fund",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("summary_en", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("purpose_en", sa.Text(), nullable=False),
        sa.Column("envelope_cents", house.Cents(), nullable=False),
        sa.Column("committed_cents", house.Cents(), nullable=False),
        sa.Column("announced_on", sa.Date(), nullable=True),
        sa.Column("zone", sa.String(length=40), nullable=False),
        sa.Column("body_name", sa.String(length=200), nullable=False),
        sa.Column("body_siret", sa.String(length=14), nullable=False),
        sa.Column("service_name", sa.String(length=200), nullable=False),
        sa.Column("service_address", sa.String(length=300), nullable=False),
        sa.Column("service_email", sa.String(length=254), nullable=False),
        sa.Column("service_phone", sa.String(length=60), nullable=False),
        sa.Column("dpo_email", sa.String(length=254), nullable=False),
        sa.Column("court", sa.String(length=200), nullable=False),
        sa.Column("court_en", sa.String(length=200), nullable=False),
        sa.Column(
            "contact_status",
            sa.Enum(
                "confirmed",
                "secondary",
                "memory",
                "proposal",
                "cut",
                name="trust",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "committed_cents >= 0 AND committed_cents <= envelope_cents", name=op.f("ck_fund_committed_within_envelope")
        ),
        sa.CheckConstraint("length(body_name) <= 200", name=op.f("ck_fund_body_name_length")),
        sa.CheckConstraint("length(body_siret) <= 14", name=op.f("ck_fund_body_siret_length")),
        sa.CheckConstraint("length(code) <= 12", name=op.f("ck_fund_code_length")),
        sa.CheckConstraint("length(court) <= 200", name=op.f("ck_fund_court_length")),
        sa.CheckConstraint("length(court_en) <= 200", name=op.f("ck_fund_court_en_length")),
        sa.CheckConstraint("length(dpo_email) <= 254", name=op.f("ck_fund_dpo_email_length")),
        sa.CheckConstraint("length(name) <= 200", name=op.f("ck_fund_name_length")),
        sa.CheckConstraint("length(name_en) <= 200", name=op.f("ck_fund_name_en_length")),
        sa.CheckConstraint("length(service_address) <= 300", name=op.f("ck_fund_service_address_length")),
        sa.CheckConstraint("length(service_email) <= 254", name=op.f("ck_fund_service_email_length")),
        sa.CheckConstraint("length(service_name) <= 200", name=op.f("ck_fund_service_name_length")),
        sa.CheckConstraint("length(service_phone) <= 60", name=op.f("ck_fund_service_phone_length")),
        sa.CheckConstraint("length(zone) <= 40", name=op.f("ck_fund_zone_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fund")),
        sa.UniqueConstraint("code", name=op.f("uq_fund_code")),
    )
    op.create_table(
        "instrument",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column(
            "form",
            sa.Enum(
                "grant", "repayable_advance", name="fundingform", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("minimum_cents", house.Cents(), nullable=False),
        sa.Column("maximum_cents", house.Cents(), nullable=False),
        sa.Column("max_rate", sa.SmallInteger(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("description_en", sa.Text(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "confirmed",
                "secondary",
                "memory",
                "proposal",
                "cut",
                name="trust",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("length(code) <= 32", name=op.f("ck_instrument_code_length")),
        sa.CheckConstraint("length(name) <= 120", name=op.f("ck_instrument_name_length")),
        sa.CheckConstraint("length(name_en) <= 120", name=op.f("ck_instrument_name_en_length")),
        sa.CheckConstraint(
            "max_rate IS NULL OR (max_rate > 0 AND max_rate <= 100)", name=op.f("ck_instrument_rate_in_percent")
        ),
        sa.CheckConstraint(
            "minimum_cents >= 0 AND maximum_cents >= minimum_cents", name=op.f("ck_instrument_bounds_in_order")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instrument")),
        sa.UniqueConstraint("code", name=op.f("uq_instrument_code")),
    )
    op.create_table(
        "journal_entry",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", house.Instant(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("event", sa.String(length=80), nullable=False),
        sa.Column("subject_type", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("dossier_id", sa.Uuid(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.CheckConstraint("length(actor) <= 200", name=op.f("ck_journal_entry_actor_length")),
        sa.CheckConstraint("length(digest) <= 64", name=op.f("ck_journal_entry_digest_length")),
        sa.CheckConstraint("length(event) <= 80", name=op.f("ck_journal_entry_event_length")),
        sa.CheckConstraint("length(previous) <= 64", name=op.f("ck_journal_entry_previous_length")),
        sa.CheckConstraint("length(subject_type) <= 40", name=op.f("ck_journal_entry_subject_type_length")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_journal_entry")),
        sa.UniqueConstraint("digest", name=op.f("uq_journal_entry_digest")),
    )
    with op.batch_alter_table("journal_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_journal_entry_dossier_id"), ["dossier_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_journal_entry_event"), ["event"], unique=False)
        batch_op.create_index(batch_op.f("ix_journal_entry_subject_id"), ["subject_id"], unique=False)

    op.create_table(
        "letter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=250), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("dossier_id", sa.Uuid(), nullable=True),
        sa.Column("dedup", sa.String(length=200), nullable=False),
        sa.Column("created_at", house.Instant(timezone=True), nullable=False),
        sa.Column("lease_until", house.Instant(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", house.Instant(timezone=True), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.CheckConstraint("length(dedup) <= 200", name=op.f("ck_letter_dedup_length")),
        sa.CheckConstraint("length(error) <= 500", name=op.f("ck_letter_error_length")),
        sa.CheckConstraint("length(kind) <= 60", name=op.f("ck_letter_kind_length")),
        sa.CheckConstraint("length(locale) <= 2", name=op.f("ck_letter_locale_length")),
        sa.CheckConstraint("length(recipient) <= 254", name=op.f("ck_letter_recipient_length")),
        sa.CheckConstraint("length(subject) <= 250", name=op.f("ck_letter_subject_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter")),
        sa.UniqueConstraint("dedup", name=op.f("uq_letter_dedup")),
    )
    with op.batch_alter_table("letter", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_letter_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_letter_dossier_id"), ["dossier_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_letter_sent_at"), ["sent_at"], unique=False)

    op.create_table(
        "organisation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("acronym", sa.String(length=40), nullable=False),
        sa.Column("siret", sa.String(length=14), nullable=True),
        sa.Column("rna", sa.String(length=10), nullable=True),
        sa.Column(
            "legal_form",
            sa.Enum(
                "association",
                "foundation",
                "cooperative",
                "social_enterprise",
                "public_body",
                "other",
                name="legalform",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("address", sa.String(length=250), nullable=False),
        sa.Column("postcode", sa.String(length=5), nullable=False),
        sa.Column("city", sa.String(length=120), nullable=False),
        sa.Column("website", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=30), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("founded_on", sa.Date(), nullable=True),
        sa.Column("year_end_month", sa.SmallInteger(), nullable=False),
        sa.Column("representative_name", sa.String(length=120), nullable=False),
        sa.Column("representative_role", sa.String(length=120), nullable=False),
        sa.Column("representative_email", sa.String(length=254), nullable=False),
        sa.Column("created_at", house.Instant(timezone=True), nullable=False),
        sa.Column("sort_key", sa.String(length=220), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(acronym) <= 40", name=op.f("ck_organisation_acronym_length")),
        sa.CheckConstraint("length(address) <= 250", name=op.f("ck_organisation_address_length")),
        sa.CheckConstraint("length(city) <= 120", name=op.f("ck_organisation_city_length")),
        sa.CheckConstraint("length(email) <= 254", name=op.f("ck_organisation_email_length")),
        sa.CheckConstraint("length(name) <= 200", name=op.f("ck_organisation_name_length")),
        sa.CheckConstraint("length(phone) <= 30", name=op.f("ck_organisation_phone_length")),
        sa.CheckConstraint("length(postcode) <= 5", name=op.f("ck_organisation_postcode_length")),
        sa.CheckConstraint(
            "length(representative_email) <= 254", name=op.f("ck_organisation_representative_email_length")
        ),
        sa.CheckConstraint(
            "length(representative_name) <= 120", name=op.f("ck_organisation_representative_name_length")
        ),
        sa.CheckConstraint(
            "length(representative_role) <= 120", name=op.f("ck_organisation_representative_role_length")
        ),
        sa.CheckConstraint("length(rna) <= 10", name=op.f("ck_organisation_rna_length")),
        sa.CheckConstraint("length(siret) <= 14", name=op.f("ck_organisation_siret_length")),
        sa.CheckConstraint("length(sort_key) <= 220", name=op.f("ck_organisation_sort_key_length")),
        sa.CheckConstraint("length(website) <= 200", name=op.f("ck_organisation_website_length")),
        sa.CheckConstraint("siret IS NOT NULL OR rna IS NOT NULL", name=op.f("ck_organisation_siret_or_rna")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("rna", name=op.f("uq_organisation_rna")),
        sa.UniqueConstraint("siret", name=op.f("uq_organisation_siret")),
    )
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_organisation_sort_key"), ["sort_key"], unique=False)

    op.create_table(
        "request_key",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.Column("body", sa.String(length=64), nullable=False),
        sa.Column("location", sa.String(length=800), nullable=True),
        sa.Column("at", house.Instant(timezone=True), nullable=False),
        sa.CheckConstraint('length("key") <= 64', name=op.f("ck_request_key_key_length")),
        sa.CheckConstraint("length(body) <= 64", name=op.f("ck_request_key_body_length")),
        sa.CheckConstraint("length(location) <= 800", name=op.f("ck_request_key_location_length")),
        sa.CheckConstraint("length(path) <= 400", name=op.f("ck_request_key_path_length")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_request_key")),
    )
    op.create_table(
        "stored_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column(
            "clearance",
            sa.Enum(
                "pending", "clean", "refused", name="clearance", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("dossier_id", sa.Uuid(), nullable=True),
        sa.Column("given_by", sa.Uuid(), nullable=True),
        sa.Column("given_at", house.Instant(timezone=True), nullable=False),
        sa.CheckConstraint("length(media_type) <= 100", name=op.f("ck_stored_file_media_type_length")),
        sa.CheckConstraint("length(name) <= 200", name=op.f("ck_stored_file_name_length")),
        sa.CheckConstraint("length(place) <= 80", name=op.f("ck_stored_file_place_length")),
        sa.CheckConstraint("length(sha256) <= 64", name=op.f("ck_stored_file_sha256_length")),
        sa.CheckConstraint("size > 0", name=op.f("ck_stored_file_size_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
        sa.UniqueConstraint("place", name=op.f("uq_stored_file_place")),
    )
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stored_file_dossier_id"), ["dossier_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_stored_file_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "appointment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "reviewer",
                "manager",
                "finance",
                "authorising_officer",
                "administrator",
                "auditor",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "college",
            sa.Enum(
                "elected",
                "agent",
                "expert",
                "user",
                name="college",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("since_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.CheckConstraint("until_on IS NULL OR until_on >= since_on", name=op.f("ck_appointment_dates_in_order")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_appointment_account_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
    )
    with op.batch_alter_table("appointment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_appointment_account_id"), ["account_id"], unique=False)

    op.create_table(
        "axis",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("framework_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("title_en", sa.String(length=300), nullable=False),
        sa.Column("short", sa.String(length=120), nullable=False),
        sa.Column("short_en", sa.String(length=120), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("colour", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(code) <= 12", name=op.f("ck_axis_code_length")),
        sa.CheckConstraint("length(short) <= 120", name=op.f("ck_axis_short_length")),
        sa.CheckConstraint("length(short_en) <= 120", name=op.f("ck_axis_short_en_length")),
        sa.CheckConstraint("length(title) <= 300", name=op.f("ck_axis_title_length")),
        sa.CheckConstraint("length(title_en) <= 300", name=op.f("ck_axis_title_en_length")),
        sa.ForeignKeyConstraint(
            ["framework_id"], ["framework.id"], name=op.f("fk_axis_framework_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_axis")),
        sa.UniqueConstraint("framework_id", "code", name=op.f("uq_axis_framework_id_code")),
    )
    op.create_table(
        "bank_details",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("holder", sa.String(length=200), nullable=False),
        sa.Column("iban_sealed", sa.Text(), nullable=False),
        sa.Column("iban_last4", sa.String(length=4), nullable=False),
        sa.Column("iban_digest", sa.String(length=64), nullable=False),
        sa.Column("bic", sa.String(length=11), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "given",
                "checked",
                "confirmed",
                "refused",
                "replaced",
                name="bankstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("given_by", sa.Uuid(), nullable=False),
        sa.Column("given_at", house.Instant(timezone=True), nullable=False),
        sa.Column("first_by", sa.Uuid(), nullable=True),
        sa.Column("second_by", sa.Uuid(), nullable=True),
        sa.Column("settled_at", house.Instant(timezone=True), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state NOT IN ('checked', 'confirmed') OR first_by IS NOT NULL",
            name=op.f("ck_bank_details_state_needs_first_by"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('confirmed') OR second_by IS NOT NULL", name=op.f("ck_bank_details_state_needs_second_by")
        ),
        sa.CheckConstraint(
            "first_by IS NULL OR first_by <> given_by", name=op.f("ck_bank_details_giver_does_not_check")
        ),
        sa.CheckConstraint("length(bic) <= 11", name=op.f("ck_bank_details_bic_length")),
        sa.CheckConstraint("length(holder) <= 200", name=op.f("ck_bank_details_holder_length")),
        sa.CheckConstraint("length(iban_digest) <= 64", name=op.f("ck_bank_details_iban_digest_length")),
        sa.CheckConstraint("length(iban_last4) <= 4", name=op.f("ck_bank_details_iban_last4_length")),
        sa.CheckConstraint("length(note) <= 500", name=op.f("ck_bank_details_note_length")),
        sa.CheckConstraint(
            "second_by IS NULL OR second_by <> first_by", name=op.f("ck_bank_details_two_people_confirm")
        ),
        sa.CheckConstraint(
            "second_by IS NULL OR second_by <> given_by", name=op.f("ck_bank_details_giver_does_not_confirm")
        ),
        sa.ForeignKeyConstraint(
            ["first_by"], ["account.id"], name=op.f("fk_bank_details_first_by"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["given_by"], ["account.id"], name=op.f("fk_bank_details_given_by"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_bank_details_organisation_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["second_by"], ["account.id"], name=op.f("fk_bank_details_second_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_details")),
    )
    with op.batch_alter_table("bank_details", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bank_details_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(
            "uq_bank_details_confirmed",
            ["organisation_id"],
            unique=True,
            sqlite_where=sa.text("state = 'confirmed'"),
            postgresql_where=sa.text("state = 'confirmed'"),
        )

    op.create_table(
        "call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("framework_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft", "opened", "archived", name="callstate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("theme", sa.String(length=200), nullable=False),
        sa.Column("theme_en", sa.String(length=200), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("opens_at", house.Instant(timezone=True), nullable=True),
        sa.Column("closes_at", house.Instant(timezone=True), nullable=True),
        sa.Column("opened_at", house.Instant(timezone=True), nullable=True),
        sa.Column("envelope_cents", house.Cents(), nullable=False),
        sa.Column("committed_cents", house.Cents(), nullable=False),
        sa.Column("threshold", sa.SmallInteger(), nullable=False),
        sa.Column("minimum_reviewers", sa.SmallInteger(), nullable=False),
        sa.Column("scale_top", sa.SmallInteger(), nullable=False),
        sa.Column("marks_frozen_at", house.Instant(timezone=True), nullable=True),
        sa.Column("results_published_at", house.Instant(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state NOT IN ('opened') OR opened_at IS NOT NULL", name=op.f("ck_call_state_needs_opened_at")
        ),
        sa.CheckConstraint(
            "state NOT IN ('opened', 'archived') OR closes_at IS NOT NULL", name=op.f("ck_call_state_needs_closes_at")
        ),
        sa.CheckConstraint(
            "state NOT IN ('opened', 'archived') OR opens_at IS NOT NULL", name=op.f("ck_call_state_needs_opens_at")
        ),
        sa.CheckConstraint(
            "committed_cents >= 0 AND committed_cents <= envelope_cents", name=op.f("ck_call_committed_within_envelope")
        ),
        sa.CheckConstraint("length(code) <= 24", name=op.f("ck_call_code_length")),
        sa.CheckConstraint("length(theme) <= 200", name=op.f("ck_call_theme_length")),
        sa.CheckConstraint("length(theme_en) <= 200", name=op.f("ck_call_theme_en_length")),
        sa.CheckConstraint("length(title) <= 200", name=op.f("ck_call_title_length")),
        sa.CheckConstraint("length(title_en) <= 200", name=op.f("ck_call_title_en_length")),
        sa.CheckConstraint(
            "opens_at IS NULL OR closes_at IS NULL OR opens_at < closes_at", name=op.f("ck_call_dates_in_order")
        ),
        sa.ForeignKeyConstraint(
            ["framework_id"], ["framework.id"], name=op.f("fk_call_framework_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["fund_id"], ["fund.id"], name=op.f("fk_call_fund_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
        sa.UniqueConstraint("code", name=op.f("uq_call_code")),
    )
    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_call_closes_at"), ["closes_at"], unique=False)

    op.create_table(
        "configured_text",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("use", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("title_en", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("placeholders", sa.JSON(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "confirmed",
                "secondary",
                "memory",
                "proposal",
                "cut",
                name="trust",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("confirmed_at", house.Instant(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(code) <= 60", name=op.f("ck_configured_text_code_length")),
        sa.CheckConstraint("length(title) <= 300", name=op.f("ck_configured_text_title_length")),
        sa.CheckConstraint("length(title_en) <= 300", name=op.f("ck_configured_text_title_en_length")),
        sa.CheckConstraint("length(use) <= 16", name=op.f("ck_configured_text_use_length")),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["account.id"], name=op.f("fk_configured_text_confirmed_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_configured_text")),
        sa.UniqueConstraint("code", name=op.f("uq_configured_text_code")),
    )
    op.create_table(
        "field_of_intervention",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("framework_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("title_en", sa.String(length=300), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(code) <= 12", name=op.f("ck_field_of_intervention_code_length")),
        sa.CheckConstraint("length(title) <= 300", name=op.f("ck_field_of_intervention_title_length")),
        sa.CheckConstraint("length(title_en) <= 300", name=op.f("ck_field_of_intervention_title_en_length")),
        sa.ForeignKeyConstraint(
            ["framework_id"], ["framework.id"], name=op.f("fk_field_of_intervention_framework_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field_of_intervention")),
        sa.UniqueConstraint("framework_id", "code", name=op.f("uq_field_of_intervention_framework_id_code")),
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column(
            "role",
            sa.Enum("owner", "editor", name="memberrole", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("invited_at", house.Instant(timezone=True), nullable=False),
        sa.Column("expires_at", house.Instant(timezone=True), nullable=False),
        sa.Column("accepted_at", house.Instant(timezone=True), nullable=True),
        sa.CheckConstraint("length(email) <= 254", name=op.f("ck_invitation_email_length")),
        sa.CheckConstraint("length(secret) <= 64", name=op.f("ck_invitation_secret_length")),
        sa.ForeignKeyConstraint(
            ["invited_by"], ["account.id"], name=op.f("fk_invitation_invited_by"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_invitation_organisation_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("secret", name=op.f("uq_invitation_secret")),
    )
    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invitation_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "law",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("title_en", sa.String(length=300), nullable=False),
        sa.Column("value", sa.String(length=400), nullable=False),
        sa.Column("unit", sa.String(length=40), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("reference", sa.String(length=300), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("note_en", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "confirmed",
                "secondary",
                "memory",
                "proposal",
                "cut",
                name="trust",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("confirmed_at", house.Instant(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("length(code) <= 60", name=op.f("ck_law_code_length")),
        sa.CheckConstraint("length(reference) <= 300", name=op.f("ck_law_reference_length")),
        sa.CheckConstraint("length(title) <= 300", name=op.f("ck_law_title_length")),
        sa.CheckConstraint("length(title_en) <= 300", name=op.f("ck_law_title_en_length")),
        sa.CheckConstraint("length(unit) <= 40", name=op.f("ck_law_unit_length")),
        sa.CheckConstraint("length(value) <= 400", name=op.f("ck_law_value_length")),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["account.id"], name=op.f("fk_law_confirmed_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_law")),
        sa.UniqueConstraint("code", "valid_from", name=op.f("uq_law_code_valid_from")),
    )
    op.create_table(
        "membership",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum("owner", "editor", name="memberrole", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("since_at", house.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_membership_account_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_membership_organisation_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint("account_id", "organisation_id", name=op.f("uq_membership_account_id_organisation_id")),
    )
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_membership_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "priority_area",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("commune_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "confirmed",
                "secondary",
                "memory",
                "proposal",
                "cut",
                name="trust",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("length(code) <= 12", name=op.f("ck_priority_area_code_length")),
        sa.CheckConstraint("length(kind) <= 8", name=op.f("ck_priority_area_kind_length")),
        sa.CheckConstraint("length(name) <= 120", name=op.f("ck_priority_area_name_length")),
        sa.ForeignKeyConstraint(
            ["commune_id"], ["commune.id"], name=op.f("fk_priority_area_commune_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_priority_area")),
        sa.UniqueConstraint("commune_id", "name", name=op.f("uq_priority_area_commune_id_name")),
    )
    op.create_table(
        "related_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("framework_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("title_en", sa.String(length=300), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(code) <= 12", name=op.f("ck_related_plan_code_length")),
        sa.CheckConstraint("length(title) <= 300", name=op.f("ck_related_plan_title_length")),
        sa.CheckConstraint("length(title_en) <= 300", name=op.f("ck_related_plan_title_en_length")),
        sa.ForeignKeyConstraint(
            ["framework_id"], ["framework.id"], name=op.f("fk_related_plan_framework_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_related_plan")),
        sa.UniqueConstraint("framework_id", "code", name=op.f("uq_related_plan_framework_id_code")),
    )
    op.create_table(
        "sign_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("started_at", house.Instant(timezone=True), nullable=False),
        sa.Column("last_seen_at", house.Instant(timezone=True), nullable=False),
        sa.Column("ended_at", house.Instant(timezone=True), nullable=True),
        sa.Column("browser", sa.String(length=200), nullable=False),
        sa.CheckConstraint("length(browser) <= 200", name=op.f("ck_sign_in_browser_length")),
        sa.CheckConstraint("length(secret) <= 64", name=op.f("ck_sign_in_secret_length")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_sign_in_account_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in")),
        sa.UniqueConstraint("secret", name=op.f("uq_sign_in_secret")),
    )
    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_account_id"), ["account_id"], unique=False)

    op.create_table(
        "application",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "submitted",
                "pieces_requested",
                "eligible",
                "ineligible",
                "awarded",
                "declined",
                "withdrawn",
                name="applicationstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reference", sa.String(length=24), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("summary", sa.String(length=1000), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=True),
        sa.Column("requested_cents", house.Cents(), nullable=True),
        sa.Column("total_cents", house.Cents(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column(
            "participation_level",
            sa.Enum(
                "informed",
                "consulted",
                "co_designed",
                "co_governed",
                name="participation",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("participation_text", sa.Text(), nullable=False),
        sa.Column("created_at", house.Instant(timezone=True), nullable=False),
        sa.Column("touched_at", house.Instant(timezone=True), nullable=False),
        sa.Column("submitted_at", house.Instant(timezone=True), nullable=True),
        sa.Column("silence_on", sa.Date(), nullable=True),
        sa.Column("screened_at", house.Instant(timezone=True), nullable=True),
        sa.Column("screening_reason", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", house.Instant(timezone=True), nullable=True),
        sa.Column("withdrawal_reason", sa.String(length=1000), nullable=True),
        sa.Column("search_key", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state NOT IN ('eligible', 'ineligible') OR screened_at IS NOT NULL",
            name=op.f("ck_application_state_needs_screened_at"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('ineligible') OR screening_reason IS NOT NULL",
            name=op.f("ck_application_state_needs_screening_reason"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('submitted', 'pieces_requested', 'eligible', 'ineligible', 'awarded', 'declined') OR instrument_id IS NOT NULL",
            name=op.f("ck_application_state_needs_instrument_id"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('submitted', 'pieces_requested', 'eligible', 'ineligible', 'awarded', 'declined') OR reference IS NOT NULL",
            name=op.f("ck_application_state_needs_reference"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('submitted', 'pieces_requested', 'eligible', 'ineligible', 'awarded', 'declined') OR requested_cents IS NOT NULL",
            name=op.f("ck_application_state_needs_requested_cents"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('submitted', 'pieces_requested', 'eligible', 'ineligible', 'awarded', 'declined') OR silence_on IS NOT NULL",
            name=op.f("ck_application_state_needs_silence_on"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('submitted', 'pieces_requested', 'eligible', 'ineligible', 'awarded', 'declined') OR submitted_at IS NOT NULL",
            name=op.f("ck_application_state_needs_submitted_at"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('withdrawn') OR withdrawn_at IS NOT NULL",
            name=op.f("ck_application_state_needs_withdrawn_at"),
        ),
        sa.CheckConstraint("length(reference) <= 24", name=op.f("ck_application_reference_length")),
        sa.CheckConstraint("length(summary) <= 1000", name=op.f("ck_application_summary_length")),
        sa.CheckConstraint("length(title) <= 200", name=op.f("ck_application_title_length")),
        sa.CheckConstraint("length(withdrawal_reason) <= 1000", name=op.f("ck_application_withdrawal_reason_length")),
        sa.CheckConstraint(
            "requested_cents IS NULL OR requested_cents > 0", name=op.f("ck_application_requested_positive")
        ),
        sa.CheckConstraint(
            "starts_on IS NULL OR ends_on IS NULL OR starts_on <= ends_on", name=op.f("ck_application_dates_in_order")
        ),
        sa.ForeignKeyConstraint(
            ["author_id"], ["account.id"], name=op.f("fk_application_author_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_application_call_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument.id"], name=op.f("fk_application_instrument_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_application_organisation_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sa.UniqueConstraint("reference", name=op.f("uq_application_reference")),
    )
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.create_index("ix_application_call_state", ["call_id", "state", "submitted_at"], unique=False)
        batch_op.create_index("ix_application_listed", ["submitted_at", "id", "state", "requested_cents"], unique=False)
        batch_op.create_index(batch_op.f("ix_application_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "call_instrument",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("minimum_cents", house.Cents(), nullable=False),
        sa.Column("maximum_cents", house.Cents(), nullable=False),
        sa.Column("max_rate", sa.SmallInteger(), nullable=True),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_instrument_call_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument.id"], name=op.f("fk_call_instrument_instrument_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_instrument")),
        sa.UniqueConstraint("call_id", "instrument_id", name=op.f("uq_call_instrument_call_id_instrument_id")),
    )
    op.create_table(
        "criterion_block",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("weight", sa.SmallInteger(), nullable=False),
        sa.Column("minimum_level", sa.SmallInteger(), nullable=True),
        sa.Column("tie_rank", sa.SmallInteger(), nullable=True),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(code) <= 40", name=op.f("ck_criterion_block_code_length")),
        sa.CheckConstraint("length(title) <= 200", name=op.f("ck_criterion_block_title_length")),
        sa.CheckConstraint("length(title_en) <= 200", name=op.f("ck_criterion_block_title_en_length")),
        sa.CheckConstraint("weight > 0", name=op.f("ck_criterion_block_weight_positive")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_criterion_block_call_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_criterion_block")),
        sa.UniqueConstraint("call_id", "code", name=op.f("uq_criterion_block_call_id_code")),
    )
    op.create_table(
        "gate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("explanation_en", sa.Text(), nullable=False),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.Column("refusal_en", sa.Text(), nullable=False),
        sa.Column("computed", sa.Boolean(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(code) <= 40", name=op.f("ck_gate_code_length")),
        sa.CheckConstraint("length(title) <= 200", name=op.f("ck_gate_title_length")),
        sa.CheckConstraint("length(title_en) <= 200", name=op.f("ck_gate_title_en_length")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_gate_call_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate")),
        sa.UniqueConstraint("call_id", "code", name=op.f("uq_gate_call_id_code")),
    )
    op.create_table(
        "meeting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "preparing",
                "frozen",
                "voted",
                "published",
                name="meetingstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("frozen_at", house.Instant(timezone=True), nullable=True),
        sa.Column("act_number", sa.String(length=40), nullable=True),
        sa.Column("act_on", sa.Date(), nullable=True),
        sa.Column("act_body", sa.String(length=200), nullable=True),
        sa.Column("act_receipt", sa.String(length=80), nullable=True),
        sa.Column("published_at", house.Instant(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state NOT IN ('frozen', 'voted', 'published') OR frozen_at IS NOT NULL",
            name=op.f("ck_meeting_state_needs_frozen_at"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('published') OR published_at IS NOT NULL", name=op.f("ck_meeting_state_needs_published_at")
        ),
        sa.CheckConstraint(
            "state NOT IN ('voted', 'published') OR act_body IS NOT NULL", name=op.f("ck_meeting_state_needs_act_body")
        ),
        sa.CheckConstraint(
            "state NOT IN ('voted', 'published') OR act_number IS NOT NULL",
            name=op.f("ck_meeting_state_needs_act_number"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('voted', 'published') OR act_on IS NOT NULL", name=op.f("ck_meeting_state_needs_act_on")
        ),
        sa.CheckConstraint("length(act_body) <= 200", name=op.f("ck_meeting_act_body_length")),
        sa.CheckConstraint("length(act_number) <= 40", name=op.f("ck_meeting_act_number_length")),
        sa.CheckConstraint("length(act_receipt) <= 80", name=op.f("ck_meeting_act_receipt_length")),
        sa.CheckConstraint("length(title) <= 200", name=op.f("ck_meeting_title_length")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_meeting_call_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting")),
        sa.UniqueConstraint("call_id", name=op.f("uq_meeting_call_id")),
    )
    op.create_table(
        "orientation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("axis_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("title_en", sa.String(length=300), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(code) <= 12", name=op.f("ck_orientation_code_length")),
        sa.CheckConstraint("length(title) <= 300", name=op.f("ck_orientation_title_length")),
        sa.CheckConstraint("length(title_en) <= 300", name=op.f("ck_orientation_title_en_length")),
        sa.ForeignKeyConstraint(["axis_id"], ["axis.id"], name=op.f("fk_orientation_axis_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orientation")),
        sa.UniqueConstraint("axis_id", "code", name=op.f("uq_orientation_axis_id_code")),
    )
    op.create_table(
        "piece",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("label_en", sa.String(length=200), nullable=False),
        sa.Column("help", sa.Text(), nullable=False),
        sa.Column("help_en", sa.Text(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("condition_en", sa.Text(), nullable=False),
        sa.Column("rule", sa.String(length=32), nullable=False),
        sa.Column("blocks", sa.String(length=16), nullable=False),
        sa.Column("once_for_all", sa.Boolean(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(blocks) <= 16", name=op.f("ck_piece_blocks_length")),
        sa.CheckConstraint("length(code) <= 40", name=op.f("ck_piece_code_length")),
        sa.CheckConstraint("length(label) <= 200", name=op.f("ck_piece_label_length")),
        sa.CheckConstraint("length(label_en) <= 200", name=op.f("ck_piece_label_en_length")),
        sa.CheckConstraint("length(rule) <= 32", name=op.f("ck_piece_rule_length")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_piece_call_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_piece")),
        sa.UniqueConstraint("call_id", "code", name=op.f("uq_piece_call_id_code")),
    )
    op.create_table(
        "section",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("intro", sa.Text(), nullable=False),
        sa.Column("intro_en", sa.Text(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(code) <= 40", name=op.f("ck_section_code_length")),
        sa.CheckConstraint("length(title) <= 200", name=op.f("ck_section_title_length")),
        sa.CheckConstraint("length(title_en) <= 200", name=op.f("ck_section_title_en_length")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_section_call_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_section")),
        sa.UniqueConstraint("call_id", "code", name=op.f("uq_section_call_id_code")),
    )
    op.create_table(
        "statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("annex", sa.JSON(), nullable=True),
        sa.Column("edition", sa.String(length=40), nullable=False),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(code) <= 40", name=op.f("ck_statement_code_length")),
        sa.CheckConstraint("length(edition) <= 40", name=op.f("ck_statement_edition_length")),
        sa.CheckConstraint("length(kind) <= 8", name=op.f("ck_statement_kind_length")),
        sa.CheckConstraint("length(title) <= 200", name=op.f("ck_statement_title_length")),
        sa.CheckConstraint("length(title_en) <= 200", name=op.f("ck_statement_title_en_length")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_statement_call_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement")),
        sa.UniqueConstraint("call_id", "code", name=op.f("uq_statement_call_id_code")),
    )
    op.create_table(
        "allocation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column(
            "dimension",
            sa.Enum(
                "axis",
                "orientation",
                "action",
                "field",
                "commune",
                "plan",
                name="dimension",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.Column("weight", sa.SmallInteger(), nullable=False),
        sa.Column("amount_cents", house.Cents(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_allocation_application_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
    )
    with op.batch_alter_table("allocation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_allocation_application_id"), ["application_id"], unique=False)
        batch_op.create_index("ix_allocation_dimension_key", ["dimension", "key_id"], unique=False)

    op.create_table(
        "application_area",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("area_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_application_area_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["area_id"], ["priority_area.id"], name=op.f("fk_application_area_area_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("application_id", "area_id", name=op.f("pk_application_area")),
    )
    with op.batch_alter_table("application_area", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_application_area_area_id"), ["area_id"], unique=False)

    op.create_table(
        "application_commune",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("commune_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
            name=op.f("fk_application_commune_application_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["commune_id"], ["commune.id"], name=op.f("fk_application_commune_commune_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("application_id", "commune_id", name=op.f("pk_application_commune")),
    )
    with op.batch_alter_table("application_commune", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_application_commune_commune_id"), ["commune_id"], unique=False)

    op.create_table(
        "application_field",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("field_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_application_field_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["field_id"], ["field_of_intervention.id"], name=op.f("fk_application_field_field_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("application_id", "field_id", name=op.f("pk_application_field")),
    )
    with op.batch_alter_table("application_field", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_application_field_field_id"), ["field_id"], unique=False)

    op.create_table(
        "application_plan",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_application_plan_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["related_plan.id"], name=op.f("fk_application_plan_plan_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("application_id", "plan_id", name=op.f("pk_application_plan")),
    )
    with op.batch_alter_table("application_plan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_application_plan_plan_id"), ["plan_id"], unique=False)

    op.create_table(
        "application_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("frozen_at", house.Instant(timezone=True), nullable=False),
        sa.Column("frozen_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("length(digest) <= 64", name=op.f("ck_application_version_digest_length")),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
            name=op.f("fk_application_version_application_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["frozen_by"], ["account.id"], name=op.f("fk_application_version_frozen_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_version")),
        sa.UniqueConstraint("application_id", "number", name=op.f("uq_application_version_application_id_number")),
    )
    op.create_table(
        "assignment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "offered",
                "open",
                "submitted",
                "recused",
                "removed",
                name="assignmentstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("assigned_at", house.Instant(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("declared_at", house.Instant(timezone=True), nullable=True),
        sa.Column("saved_at", house.Instant(timezone=True), nullable=True),
        sa.Column("submitted_at", house.Instant(timezone=True), nullable=True),
        sa.Column("committee_comment", sa.Text(), nullable=False),
        sa.Column("applicant_comment", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state NOT IN ('open', 'submitted', 'recused') OR declared_at IS NOT NULL",
            name=op.f("ck_assignment_state_needs_declared_at"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('submitted') OR submitted_at IS NOT NULL",
            name=op.f("ck_assignment_state_needs_submitted_at"),
        ),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_assignment_application_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["account.id"], name=op.f("fk_assignment_reviewer_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
        sa.UniqueConstraint("application_id", "reviewer_id", name=op.f("uq_assignment_application_id_reviewer_id")),
    )
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_assignment_reviewer_id"), ["reviewer_id"], unique=False)

    op.create_table(
        "attachment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("piece_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("given_at", house.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_attachment_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.id"], name=op.f("fk_attachment_file_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_attachment_piece_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        sa.UniqueConstraint("file_id", name=op.f("uq_attachment_file_id")),
    )
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attachment_application_id"), ["application_id"], unique=False)

    op.create_table(
        "audience",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "children",
                "youth",
                "families",
                "older_people",
                "disability",
                "poverty",
                "exile",
                "carers",
                "priority_area_residents",
                "general_public",
                name="audiencekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(detail) <= 300", name=op.f("ck_audience_detail_length")),
        sa.CheckConstraint("number >= 0", name=op.f("ck_audience_number_positive")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_audience_application_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audience")),
        sa.UniqueConstraint("application_id", "kind", name=op.f("uq_audience_application_id_kind")),
    )
    with op.batch_alter_table("audience", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audience_application_id"), ["application_id"], unique=False)

    op.create_table(
        "axis_share",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("axis_id", sa.Uuid(), nullable=False),
        sa.Column("percent", sa.SmallInteger(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("percent > 0 AND percent <= 100", name=op.f("ck_axis_share_percent_in_range")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_axis_share_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["axis_id"], ["axis.id"], name=op.f("fk_axis_share_axis_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_axis_share")),
        sa.UniqueConstraint("application_id", "axis_id", name=op.f("uq_axis_share_application_id_axis_id")),
    )
    with op.batch_alter_table("axis_share", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_axis_share_application_id"), ["application_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_axis_share_axis_id"), ["axis_id"], unique=False)

    op.create_table(
        "budget_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("amount_cents", house.Cents(), nullable=False),
        sa.Column(
            "funding_status",
            sa.Enum(
                "requested",
                "granted",
                "planned",
                name="fundingstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("is_request", sa.Boolean(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("side IN ('charge', 'resource')", name=op.f("ck_budget_line_side_known")),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_budget_line_amount_positive")),
        sa.CheckConstraint("length(account) <= 12", name=op.f("ck_budget_line_account_length")),
        sa.CheckConstraint("length(label) <= 200", name=op.f("ck_budget_line_label_length")),
        sa.CheckConstraint("length(side) <= 8", name=op.f("ck_budget_line_side_length")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_budget_line_application_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_line")),
    )
    with op.batch_alter_table("budget_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_budget_line_application_id"), ["application_id"], unique=False)

    op.create_table(
        "climate_effect",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "axis",
            sa.Enum(
                "mitigation",
                "adaptation",
                "water",
                "circular",
                "pollution",
                "biodiversity",
                name="climateaxis",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "rating",
            sa.Enum(
                "favourable",
                "mixed",
                "neutral",
                "unfavourable",
                "not_rated",
                name="climaterating",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("proof", sa.String(length=1500), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(proof) <= 1500", name=op.f("ck_climate_effect_proof_length")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_climate_effect_application_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_climate_effect")),
        sa.UniqueConstraint("application_id", "axis", name=op.f("uq_climate_effect_application_id_axis")),
    )
    with op.batch_alter_table("climate_effect", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_climate_effect_application_id"), ["application_id"], unique=False)

    op.create_table(
        "criterion",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("block_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("title_en", sa.String(length=200), nullable=False),
        sa.Column("weight", sa.SmallInteger(), nullable=False),
        sa.Column("guidance", sa.Text(), nullable=False),
        sa.Column("guidance_en", sa.Text(), nullable=False),
        sa.Column("applicant_hint", sa.Text(), nullable=False),
        sa.Column("applicant_hint_en", sa.Text(), nullable=False),
        sa.Column("anchors", sa.JSON(), nullable=False),
        sa.Column("anchors_en", sa.JSON(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(code) <= 40", name=op.f("ck_criterion_code_length")),
        sa.CheckConstraint("length(title) <= 200", name=op.f("ck_criterion_title_length")),
        sa.CheckConstraint("length(title_en) <= 200", name=op.f("ck_criterion_title_en_length")),
        sa.CheckConstraint("weight > 0", name=op.f("ck_criterion_weight_positive")),
        sa.ForeignKeyConstraint(
            ["block_id"], ["criterion_block.id"], name=op.f("fk_criterion_block_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_criterion_call_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_criterion")),
        sa.UniqueConstraint("call_id", "code", name=op.f("uq_criterion_call_id_code")),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("amount_cents", house.Cents(), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", house.Instant(timezone=True), nullable=False),
        sa.CheckConstraint("granted = (amount_cents > 0)", name=op.f("ck_decision_amount_follows_grant")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_decision_application_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meeting.id"], name=op.f("fk_decision_meeting_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("application_id", name=op.f("uq_decision_application_id")),
    )
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_decision_meeting_id"), ["meeting_id"], unique=False)

    op.create_table(
        "finding",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("gate_id", sa.Uuid(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("note", sa.String(length=1000), nullable=False),
        sa.Column("found_by", sa.Uuid(), nullable=True),
        sa.Column("found_at", house.Instant(timezone=True), nullable=False),
        sa.CheckConstraint("length(note) <= 1000", name=op.f("ck_finding_note_length")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_finding_application_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["found_by"], ["account.id"], name=op.f("fk_finding_found_by"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["gate_id"], ["gate.id"], name=op.f("fk_finding_gate_id"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        sa.UniqueConstraint("application_id", "gate_id", name=op.f("uq_finding_application_id_gate_id")),
    )
    op.create_table(
        "framework_action",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("framework_id", sa.Uuid(), nullable=False),
        sa.Column("axis_id", sa.Uuid(), nullable=False),
        sa.Column("orientation_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("sort_key", sa.String(length=24), nullable=False),
        sa.Column("title", sa.String(length=400), nullable=False),
        sa.Column("title_en", sa.String(length=400), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "confirmed",
                "secondary",
                "memory",
                "proposal",
                "cut",
                name="trust",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint("length(number) <= 12", name=op.f("ck_framework_action_number_length")),
        sa.CheckConstraint("length(sort_key) <= 24", name=op.f("ck_framework_action_sort_key_length")),
        sa.CheckConstraint("length(title) <= 400", name=op.f("ck_framework_action_title_length")),
        sa.CheckConstraint("length(title_en) <= 400", name=op.f("ck_framework_action_title_en_length")),
        sa.ForeignKeyConstraint(
            ["axis_id"], ["axis.id"], name=op.f("fk_framework_action_axis_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["framework_id"], ["framework.id"], name=op.f("fk_framework_action_framework_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["orientation_id"], ["orientation.id"], name=op.f("fk_framework_action_orientation_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_framework_action")),
        sa.UniqueConstraint("framework_id", "number", name=op.f("uq_framework_action_framework_id_number")),
    )
    with op.batch_alter_table("framework_action", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_framework_action_axis_id"), ["axis_id"], unique=False)

    op.create_table(
        "indicator",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(length=300), nullable=False),
        sa.Column("unit", sa.String(length=60), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(label) <= 300", name=op.f("ck_indicator_label_length")),
        sa.CheckConstraint("length(unit) <= 60", name=op.f("ck_indicator_unit_length")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_indicator_application_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indicator")),
    )
    with op.batch_alter_table("indicator", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_indicator_application_id"), ["application_id"], unique=False)

    op.create_table(
        "interest",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "nature",
            sa.Enum(
                "none",
                "leader",
                "employee",
                "member",
                "donor",
                "competitor",
                "family",
                "representative",
                "other",
                name="interestnature",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("text", sa.String(length=1000), nullable=False),
        sa.Column("declared_at", house.Instant(timezone=True), nullable=False),
        sa.CheckConstraint("length(text) <= 1000", name=op.f("ck_interest_text_length")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_interest_account_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_interest_application_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interest")),
    )
    with op.batch_alter_table("interest", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_interest_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_interest_application_id"), ["application_id"], unique=False)

    op.create_table(
        "justice_effect",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "priority_areas",
                "income",
                "pricing",
                "governance",
                "territory",
                "equality",
                "digital",
                "other",
                name="justicekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("text", sa.String(length=1500), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(text) <= 1500", name=op.f("ck_justice_effect_text_length")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_justice_effect_application_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_justice_effect")),
        sa.UniqueConstraint("application_id", "kind", name=op.f("uq_justice_effect_application_id_kind")),
    )
    with op.batch_alter_table("justice_effect", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_justice_effect_application_id"), ["application_id"], unique=False)

    op.create_table(
        "milestone",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.String(length=300), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(label) <= 300", name=op.f("ck_milestone_label_length")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_milestone_application_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone")),
    )
    with op.batch_alter_table("milestone", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_milestone_application_id"), ["application_id"], unique=False)

    op.create_table(
        "partner",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "public",
                "association",
                "company",
                "residents",
                name="partnerkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("role", sa.String(length=500), nullable=False),
        sa.Column("committed", sa.Boolean(), nullable=False),
        sa.Column("amount_cents", house.Cents(), nullable=True),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(name) <= 200", name=op.f("ck_partner_name_length")),
        sa.CheckConstraint("length(role) <= 500", name=op.f("ck_partner_role_length")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_partner_application_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner")),
    )
    with op.batch_alter_table("partner", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_partner_application_id"), ["application_id"], unique=False)

    op.create_table(
        "piece_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("piece_id", sa.Uuid(), nullable=True),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("requested_at", house.Instant(timezone=True), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("answered_at", house.Instant(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("length(label) <= 200", name=op.f("ck_piece_request_label_length")),
        sa.ForeignKeyConstraint(
            ["answered_by"], ["account.id"], name=op.f("fk_piece_request_answered_by"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_piece_request_application_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.id"], name=op.f("fk_piece_request_file_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["piece_id"], ["piece.id"], name=op.f("fk_piece_request_piece_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["account.id"], name=op.f("fk_piece_request_requested_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_piece_request")),
    )
    with op.batch_alter_table("piece_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_piece_request_application_id"), ["application_id"], unique=False)

    op.create_table(
        "recommendation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum(
                "favourable",
                "favourable_with_conditions",
                "unfavourable",
                name="verdict",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount_cents", house.Cents(), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("score_hundredths", sa.Integer(), nullable=True),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", house.Instant(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(verdict = 'unfavourable') = (amount_cents = 0)", name=op.f("ck_recommendation_amount_follows_verdict")
        ),
        sa.CheckConstraint("amount_cents >= 0", name=op.f("ck_recommendation_amount_positive")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_recommendation_application_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["account.id"], name=op.f("fk_recommendation_made_by"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meeting.id"], name=op.f("fk_recommendation_meeting_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recommendation")),
        sa.UniqueConstraint("application_id", name=op.f("uq_recommendation_application_id")),
    )
    with op.batch_alter_table("recommendation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_recommendation_meeting_id"), ["meeting_id"], unique=False)

    op.create_table(
        "signature",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("choice", sa.String(length=40), nullable=False),
        sa.Column("signed_by", sa.Uuid(), nullable=False),
        sa.Column("signed_at", house.Instant(timezone=True), nullable=False),
        sa.CheckConstraint("length(choice) <= 40", name=op.f("ck_signature_choice_length")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_signature_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["signed_by"], ["account.id"], name=op.f("fk_signature_signed_by"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statement.id"], name=op.f("fk_signature_statement_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature")),
        sa.UniqueConstraint("application_id", "statement_id", name=op.f("uq_signature_application_id_statement_id")),
    )
    op.create_table(
        "standing",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=True),
        sa.Column("reviews", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("reviews >= 0", name=op.f("ck_standing_reviews_counted")),
        sa.CheckConstraint(
            "score IS NULL OR (score >= 0 AND score <= 10000)", name=op.f("ck_standing_score_out_of_100")
        ),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_standing_application_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_standing")),
    )
    with op.batch_alter_table("standing", schema=None) as batch_op:
        batch_op.create_index("ix_standing_score", ["score", "application_id"], unique=False)

    op.create_table(
        "action_field",
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("field_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"], ["framework_action.id"], name=op.f("fk_action_field_action_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["field_id"], ["field_of_intervention.id"], name=op.f("fk_action_field_field_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("action_id", "field_id", name=op.f("pk_action_field")),
    )
    op.create_table(
        "application_action",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["action_id"], ["framework_action.id"], name=op.f("fk_application_action_action_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application.id"],
            name=op.f("fk_application_action_application_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("application_id", "action_id", name=op.f("pk_application_action")),
    )
    with op.batch_alter_table("application_action", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_application_action_action_id"), ["action_id"], unique=False)

    op.create_table(
        "award",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "voted",
                "agreement",
                "running",
                "closed",
                name="awardstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount_cents", house.Cents(), nullable=False),
        sa.Column("eligible_base_cents", house.Cents(), nullable=False),
        sa.Column("engaged_cents", house.Cents(), nullable=False),
        sa.Column("ordered_cents", house.Cents(), nullable=False),
        sa.Column("paid_cents", house.Cents(), nullable=False),
        sa.Column("released_cents", house.Cents(), nullable=False),
        sa.Column("opened_at", house.Instant(timezone=True), nullable=False),
        sa.Column("notified_on", sa.Date(), nullable=True),
        sa.Column("engaged_on", sa.Date(), nullable=True),
        sa.Column("publication_due_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state NOT IN ('closed') OR closed_on IS NOT NULL", name=op.f("ck_award_state_needs_closed_on")
        ),
        sa.CheckConstraint(
            "state NOT IN ('running', 'closed') OR engaged_on IS NOT NULL", name=op.f("ck_award_state_needs_engaged_on")
        ),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_award_amount_positive")),
        sa.CheckConstraint(
            "engaged_cents >= 0 AND engaged_cents <= amount_cents", name=op.f("ck_award_engaged_within_amount")
        ),
        sa.CheckConstraint(
            "ordered_cents >= 0 AND ordered_cents <= engaged_cents", name=op.f("ck_award_ordered_within_engaged")
        ),
        sa.CheckConstraint(
            "paid_cents >= 0 AND paid_cents <= ordered_cents", name=op.f("ck_award_paid_within_ordered")
        ),
        sa.CheckConstraint(
            "released_cents >= 0 AND ordered_cents + released_cents <= amount_cents",
            name=op.f("ck_award_released_is_left"),
        ),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_award_application_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decision.id"], name=op.f("fk_award_decision_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_award_organisation_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award")),
        sa.UniqueConstraint("application_id", name=op.f("uq_award_application_id")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_award_decision_id")),
    )
    with op.batch_alter_table("award", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_award_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "mark",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("criterion_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.SmallInteger(), nullable=True),
        sa.Column("not_applicable", sa.Boolean(), nullable=False),
        sa.CheckConstraint("(points IS NULL) = not_applicable", name=op.f("ck_mark_points_or_not_applicable")),
        sa.CheckConstraint("points IS NULL OR (points >= 0 AND points <= 4)", name=op.f("ck_mark_points_on_scale")),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignment.id"], name=op.f("fk_mark_assignment_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["criterion_id"], ["criterion.id"], name=op.f("fk_mark_criterion_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mark")),
        sa.UniqueConstraint("assignment_id", "criterion_id", name=op.f("uq_mark_assignment_id_criterion_id")),
    )
    with op.batch_alter_table("mark", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mark_criterion_id"), ["criterion_id"], unique=False)

    op.create_table(
        "question",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("section_id", sa.Uuid(), nullable=False),
        sa.Column("criterion_id", sa.Uuid(), nullable=True),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "short",
                "long",
                "choice",
                "choices",
                "number",
                "money",
                "date",
                "communes",
                "file",
                name="questionkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("label", sa.String(length=300), nullable=False),
        sa.Column("label_en", sa.String(length=300), nullable=False),
        sa.Column("help", sa.Text(), nullable=False),
        sa.Column("help_en", sa.Text(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("max_length", sa.Integer(), nullable=True),
        sa.Column("minimum", sa.Integer(), nullable=True),
        sa.Column("asked_when", sa.JSON(), nullable=True),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("length(code) <= 40", name=op.f("ck_question_code_length")),
        sa.CheckConstraint("length(label) <= 300", name=op.f("ck_question_label_length")),
        sa.CheckConstraint("length(label_en) <= 300", name=op.f("ck_question_label_en_length")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_question_call_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["criterion_id"], ["criterion.id"], name=op.f("fk_question_criterion_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["section_id"], ["section.id"], name=op.f("fk_question_section_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
        sa.UniqueConstraint("call_id", "code", name=op.f("uq_question_call_id_code")),
    )
    op.create_table(
        "agreement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("prepared_at", house.Instant(timezone=True), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(number) <= 40", name=op.f("ck_agreement_number_length")),
        sa.ForeignKeyConstraint(["award_id"], ["award.id"], name=op.f("fk_agreement_award_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.id"], name=op.f("fk_agreement_file_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
        sa.UniqueConstraint("award_id", name=op.f("uq_agreement_award_id")),
        sa.UniqueConstraint("number", name=op.f("uq_agreement_number")),
    )
    op.create_table(
        "answer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("question_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_answer_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_answer_file_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["question_id"], ["question.id"], name=op.f("fk_answer_question_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.UniqueConstraint("application_id", "question_id", name=op.f("uq_answer_application_id_question_id")),
    )
    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_answer_question_id"), ["question_id"], unique=False)

    op.create_table(
        "instalment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "advance",
                "interim",
                "balance",
                "single",
                name="instalmentkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount_cents", house.Cents(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("condition", sa.String(length=500), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "prepared",
                "approved",
                "ordered",
                "paid",
                "cancelled",
                name="instalmentstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("bank_details_id", sa.Uuid(), nullable=True),
        sa.Column("prepared_by", sa.Uuid(), nullable=True),
        sa.Column("prepared_at", house.Instant(timezone=True), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", house.Instant(timezone=True), nullable=True),
        sa.Column("order_number", sa.String(length=40), nullable=True),
        sa.Column("ordered_on", sa.Date(), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'ordered', 'paid') OR approved_by IS NOT NULL",
            name=op.f("ck_instalment_state_needs_approved_by"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('ordered', 'paid') OR order_number IS NOT NULL",
            name=op.f("ck_instalment_state_needs_order_number"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('ordered', 'paid') OR ordered_on IS NOT NULL",
            name=op.f("ck_instalment_state_needs_ordered_on"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('paid') OR paid_on IS NOT NULL", name=op.f("ck_instalment_state_needs_paid_on")
        ),
        sa.CheckConstraint(
            "state NOT IN ('prepared', 'approved', 'ordered', 'paid') OR bank_details_id IS NOT NULL",
            name=op.f("ck_instalment_state_needs_bank_details_id"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('prepared', 'approved', 'ordered', 'paid') OR prepared_by IS NOT NULL",
            name=op.f("ck_instalment_state_needs_prepared_by"),
        ),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_instalment_amount_positive")),
        sa.CheckConstraint("approved_by IS NULL OR approved_by <> prepared_by", name=op.f("ck_instalment_four_eyes")),
        sa.CheckConstraint("length(condition) <= 500", name=op.f("ck_instalment_condition_length")),
        sa.CheckConstraint("length(label) <= 120", name=op.f("ck_instalment_label_length")),
        sa.CheckConstraint("length(order_number) <= 40", name=op.f("ck_instalment_order_number_length")),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["account.id"], name=op.f("fk_instalment_approved_by"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["award_id"], ["award.id"], name=op.f("fk_instalment_award_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["bank_details_id"], ["bank_details.id"], name=op.f("fk_instalment_bank_details_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["prepared_by"], ["account.id"], name=op.f("fk_instalment_prepared_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instalment")),
        sa.UniqueConstraint("award_id", "position", name=op.f("uq_instalment_award_id_position")),
    )
    op.create_table(
        "report",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "expected",
                "submitted",
                "returned",
                "accepted",
                name="reportstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("narrative", sa.Text(), nullable=False),
        sa.Column("gaps", sa.Text(), nullable=False),
        sa.Column("people_reached", sa.Integer(), nullable=True),
        sa.Column("submitted_at", house.Instant(timezone=True), nullable=True),
        sa.Column("submitted_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", house.Instant(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decision_note", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state NOT IN ('accepted') OR decided_at IS NOT NULL", name=op.f("ck_report_state_needs_decided_at")
        ),
        sa.CheckConstraint(
            "state NOT IN ('expected') OR due_on IS NOT NULL", name=op.f("ck_report_state_needs_due_on")
        ),
        sa.CheckConstraint(
            "state NOT IN ('returned') OR decision_note IS NOT NULL", name=op.f("ck_report_state_needs_decision_note")
        ),
        sa.CheckConstraint(
            "state NOT IN ('submitted', 'returned', 'accepted') OR submitted_at IS NOT NULL",
            name=op.f("ck_report_state_needs_submitted_at"),
        ),
        sa.CheckConstraint(
            "people_reached IS NULL OR people_reached >= 0", name=op.f("ck_report_people_reached_positive")
        ),
        sa.ForeignKeyConstraint(["award_id"], ["award.id"], name=op.f("fk_report_award_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["decided_by"], ["account.id"], name=op.f("fk_report_decided_by"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["submitted_by"], ["account.id"], name=op.f("fk_report_submitted_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("award_id", name=op.f("uq_report_award_id")),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("award_id", sa.Uuid(), nullable=False),
        sa.Column("instalment_id", sa.Uuid(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "voted",
                "engaged",
                "ordered",
                "paid",
                "released",
                name="ledgerkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("amount_cents", house.Cents(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("written_at", house.Instant(timezone=True), nullable=False),
        sa.Column("written_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("amount_cents > 0", name=op.f("ck_ledger_entry_amount_positive")),
        sa.ForeignKeyConstraint(["award_id"], ["award.id"], name=op.f("fk_ledger_entry_award_id"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(
            ["instalment_id"], ["instalment.id"], name=op.f("fk_ledger_entry_instalment_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["written_by"], ["account.id"], name=op.f("fk_ledger_entry_written_by"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("instalment_id", "kind", name=op.f("uq_ledger_entry_instalment_id_kind")),
    )
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_entry_award_id"), ["award_id"], unique=False)
        batch_op.create_index("ix_ledger_entry_kind_day", ["kind", "day"], unique=False)

    op.create_table(
        "report_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("given_at", house.Instant(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.id"], name=op.f("fk_report_file_file_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["report_id"], ["report.id"], name=op.f("fk_report_file_report_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_file")),
        sa.UniqueConstraint("file_id", name=op.f("uq_report_file_file_id")),
    )
    with op.batch_alter_table("report_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_report_file_report_id"), ["report_id"], unique=False)

    op.create_table(
        "report_indicator",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("label", sa.String(length=300), nullable=False),
        sa.Column("unit", sa.String(length=60), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("actual", sa.Integer(), nullable=True),
        sa.CheckConstraint("length(label) <= 300", name=op.f("ck_report_indicator_label_length")),
        sa.CheckConstraint("length(unit) <= 60", name=op.f("ck_report_indicator_unit_length")),
        sa.ForeignKeyConstraint(
            ["report_id"], ["report.id"], name=op.f("fk_report_indicator_report_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_indicator")),
        sa.UniqueConstraint("report_id", "position", name=op.f("uq_report_indicator_report_id_position")),
    )
    op.create_table(
        "report_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("planned_cents", house.Cents(), nullable=False),
        sa.Column("actual_cents", house.Cents(), nullable=True),
        sa.CheckConstraint("actual_cents IS NULL OR actual_cents >= 0", name=op.f("ck_report_line_actual_positive")),
        sa.CheckConstraint("length(account) <= 12", name=op.f("ck_report_line_account_length")),
        sa.CheckConstraint("length(label) <= 200", name=op.f("ck_report_line_label_length")),
        sa.CheckConstraint("length(side) <= 8", name=op.f("ck_report_line_side_length")),
        sa.ForeignKeyConstraint(
            ["report_id"], ["report.id"], name=op.f("fk_report_line_report_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_line")),
    )
    with op.batch_alter_table("report_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_report_line_report_id"), ["report_id"], unique=False)

    op.create_table(
        "ledger_allocation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "dimension",
            sa.Enum(
                "axis",
                "orientation",
                "action",
                "field",
                "commune",
                "plan",
                name="dimension",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.Column("amount_cents", house.Cents(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["ledger_entry.id"], name=op.f("fk_ledger_allocation_entry_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_allocation")),
    )
    with op.batch_alter_table("ledger_allocation", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_allocation_dimension_key", ["dimension", "key_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_ledger_allocation_entry_id"), ["entry_id"], unique=False)

    evidence.put(op.get_bind())


def downgrade() -> None:
    with op.batch_alter_table("ledger_allocation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_allocation_entry_id"))
        batch_op.drop_index("ix_ledger_allocation_dimension_key")

    op.drop_table("ledger_allocation")
    with op.batch_alter_table("report_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_line_report_id"))

    op.drop_table("report_line")
    op.drop_table("report_indicator")
    with op.batch_alter_table("report_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_report_file_report_id"))

    op.drop_table("report_file")
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_ledger_entry_kind_day")
        batch_op.drop_index(batch_op.f("ix_ledger_entry_award_id"))

    op.drop_table("ledger_entry")
    op.drop_table("report")
    op.drop_table("instalment")
    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_answer_question_id"))

    op.drop_table("answer")
    op.drop_table("agreement")
    op.drop_table("question")
    with op.batch_alter_table("mark", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mark_criterion_id"))

    op.drop_table("mark")
    with op.batch_alter_table("award", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_award_organisation_id"))

    op.drop_table("award")
    with op.batch_alter_table("application_action", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_application_action_action_id"))

    op.drop_table("application_action")
    op.drop_table("action_field")
    with op.batch_alter_table("standing", schema=None) as batch_op:
        batch_op.drop_index("ix_standing_score")

    op.drop_table("standing")
    op.drop_table("signature")
    with op.batch_alter_table("recommendation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recommendation_meeting_id"))

    op.drop_table("recommendation")
    with op.batch_alter_table("piece_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_piece_request_application_id"))

    op.drop_table("piece_request")
    with op.batch_alter_table("partner", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_partner_application_id"))

    op.drop_table("partner")
    with op.batch_alter_table("milestone", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_milestone_application_id"))

    op.drop_table("milestone")
    with op.batch_alter_table("justice_effect", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_justice_effect_application_id"))

    op.drop_table("justice_effect")
    with op.batch_alter_table("interest", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_interest_application_id"))
        batch_op.drop_index(batch_op.f("ix_interest_account_id"))

    op.drop_table("interest")
    with op.batch_alter_table("indicator", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_indicator_application_id"))

    op.drop_table("indicator")
    with op.batch_alter_table("framework_action", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_framework_action_axis_id"))

    op.drop_table("framework_action")
    op.drop_table("finding")
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_decision_meeting_id"))

    op.drop_table("decision")
    op.drop_table("criterion")
    with op.batch_alter_table("climate_effect", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_climate_effect_application_id"))

    op.drop_table("climate_effect")
    with op.batch_alter_table("budget_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_budget_line_application_id"))

    op.drop_table("budget_line")
    with op.batch_alter_table("axis_share", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_axis_share_axis_id"))
        batch_op.drop_index(batch_op.f("ix_axis_share_application_id"))

    op.drop_table("axis_share")
    with op.batch_alter_table("audience", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audience_application_id"))

    op.drop_table("audience")
    with op.batch_alter_table("attachment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attachment_application_id"))

    op.drop_table("attachment")
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_assignment_reviewer_id"))

    op.drop_table("assignment")
    op.drop_table("application_version")
    with op.batch_alter_table("application_plan", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_application_plan_plan_id"))

    op.drop_table("application_plan")
    with op.batch_alter_table("application_field", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_application_field_field_id"))

    op.drop_table("application_field")
    with op.batch_alter_table("application_commune", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_application_commune_commune_id"))

    op.drop_table("application_commune")
    with op.batch_alter_table("application_area", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_application_area_area_id"))

    op.drop_table("application_area")
    with op.batch_alter_table("allocation", schema=None) as batch_op:
        batch_op.drop_index("ix_allocation_dimension_key")
        batch_op.drop_index(batch_op.f("ix_allocation_application_id"))

    op.drop_table("allocation")
    op.drop_table("statement")
    op.drop_table("section")
    op.drop_table("piece")
    op.drop_table("orientation")
    op.drop_table("meeting")
    op.drop_table("gate")
    op.drop_table("criterion_block")
    op.drop_table("call_instrument")
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_application_organisation_id"))
        batch_op.drop_index("ix_application_listed")
        batch_op.drop_index("ix_application_call_state")

    op.drop_table("application")
    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_account_id"))

    op.drop_table("sign_in")
    op.drop_table("related_plan")
    op.drop_table("priority_area")
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_membership_organisation_id"))

    op.drop_table("membership")
    op.drop_table("law")
    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invitation_organisation_id"))

    op.drop_table("invitation")
    op.drop_table("field_of_intervention")
    op.drop_table("configured_text")
    with op.batch_alter_table("call", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_call_closes_at"))

    op.drop_table("call")
    with op.batch_alter_table("bank_details", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_bank_details_confirmed",
            sqlite_where=sa.text("state = 'confirmed'"),
            postgresql_where=sa.text("state = 'confirmed'"),
        )
        batch_op.drop_index(batch_op.f("ix_bank_details_organisation_id"))

    op.drop_table("bank_details")
    op.drop_table("axis")
    with op.batch_alter_table("appointment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_appointment_account_id"))

    op.drop_table("appointment")
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_stored_file_organisation_id"))
        batch_op.drop_index(batch_op.f("ix_stored_file_dossier_id"))

    op.drop_table("stored_file")
    op.drop_table("request_key")
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_organisation_sort_key"))

    op.drop_table("organisation")
    with op.batch_alter_table("letter", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_letter_sent_at"))
        batch_op.drop_index(batch_op.f("ix_letter_dossier_id"))
        batch_op.drop_index(batch_op.f("ix_letter_created_at"))

    op.drop_table("letter")
    with op.batch_alter_table("journal_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_journal_entry_subject_id"))
        batch_op.drop_index(batch_op.f("ix_journal_entry_event"))
        batch_op.drop_index(batch_op.f("ix_journal_entry_dossier_id"))

    op.drop_table("journal_entry")
    op.drop_table("instrument")
    op.drop_table("fund")
    op.drop_table("framework")
    op.drop_table("counter")
    with op.batch_alter_table("commune", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_commune_sort_key"))

    op.drop_table("commune")
    op.drop_table("budget_account")
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attempt_who"))
        batch_op.drop_index(batch_op.f("ix_attempt_at"))
        batch_op.drop_index(batch_op.f("ix_attempt_act"))

    op.drop_table("attempt")
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_sort_key"))

    op.drop_table("account")
    evidence.lift(op.get_bind())
