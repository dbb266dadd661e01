"""Screening: the eligibility gates, the missing pieces and their answers."""
