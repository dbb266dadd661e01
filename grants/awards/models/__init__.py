"""The tables of awards, by noun."""

from grants.awards.models.agreement import Agreement, Award, BankDetails
from grants.awards.models.disbursement import Instalment, LedgerAllocation, LedgerEntry, LedgerKind
from grants.awards.models.reporting import Report, ReportIndicator, ReportLine

__all__ = [
    "Agreement",
    "Award",
    "BankDetails",
    "Instalment",
    "LedgerAllocation",
    "LedgerEntry",
    "LedgerKind",
    "Report",
    "ReportIndicator",
    "ReportLine",
]
