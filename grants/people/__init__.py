"""Accounts, organisations and appointments: who the fund deals with."""
