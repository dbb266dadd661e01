"""Acts on awards, by noun: agreement, disbursement, reporting."""
