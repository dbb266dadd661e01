"""Views of awards: agreement, bank details, payments, reports."""

from grants.awards.routes import agreement, bank, disbursement, recovery, reporting
from grants.awards.routes.blueprint import bp

__all__ = ["agreement", "bank", "bp", "disbursement", "recovery", "reporting"]
