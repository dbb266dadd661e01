"""What the examination of a file tells: a copy fit to be shown, or the code of what is wrong."""

from dataclasses import dataclass


class UnfitError(Exception):
    """A file that is not what its name says, or carries what we refuse; `code` names the reason."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class FileFacts:
    """A file that may be kept.

    `copy` holds the bytes to show in place of those that came, None when those may be shown as they are; `suffix` is
    the copy's own when its format is another; `signed` tells that the file carries an electronic signature, which
    nobody here verified.
    """

    copy: bytes | None = None
    suffix: str = ""
    signed: bool = False
