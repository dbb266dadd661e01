"""Traboule: the whole life of a grant fund, from the call to the public register."""

from grants.app import create_app

__all__ = ["create_app"]
