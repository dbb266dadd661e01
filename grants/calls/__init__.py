"""Calls for applications: dates, instruments, questions, criteria and pieces, frozen once open."""
