"""Traboule: the whole life of a grant fund, from the call to the public register."""

import gc

# What loading makes stays for good. Looking through it for garbage takes a fifth of the time of a start, and would
# later copy, in every process that the server forks, the pages of memory they could have shared.
gc.disable()

from grants.app import create_app  # noqa: E402

gc.freeze()
gc.enable()

__all__ = ["create_app"]
