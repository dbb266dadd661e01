"""The tables of awards, by noun."""

from grants.awards.models.agreement import Agreement, Award, BankDetails
from grants.awards.models.disbursement import (
    Amendment,
    Instalment,
    InstalmentKind,
    LedgerAllocation,
    LedgerEntry,
    LedgerKind,
)
from grants.awards.models.recovery import Ground, Receivable, ReceivableKind
from grants.awards.models.reporting import Report, ReportFile, ReportIndicator, ReportLine

__all__ = [
    "Agreement",
    "Amendment",
    "Award",
    "BankDetails",
    "Ground",
    "Instalment",
    "InstalmentKind",
    "LedgerAllocation",
    "LedgerEntry",
    "LedgerKind",
    "Receivable",
    "ReceivableKind",
    "Report",
    "ReportFile",
    "ReportIndicator",
    "ReportLine",
]
