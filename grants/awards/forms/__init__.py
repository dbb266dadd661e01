"""Forms of awards, by noun: agreement, disbursement, reporting."""
