"""Awards: agreement, bank details, instalments, payment orders, reports and balance."""
