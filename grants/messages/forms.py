"""The form of a message."""

from typing import Any

from flask_wtf.file import MultipleFileField

from grants.kernel.formats import SUFFIXES
from grants.kernel.forms import Form, LongField, Required
from grants.kernel.words import _l
from grants.messages.rules import LONGEST


class MessageForm(Form):
    """A message and the files joined to it."""

    text = LongField(_l("Votre message"), [Required(_l("Écrivez votre message."))], limit=LONGEST)
    files = MultipleFileField(_l("Pièces jointes"), render_kw={"accept": SUFFIXES})

    def given_files(self) -> list[Any]:
        """The files really chosen."""
        return [file for file in self.files.data or [] if getattr(file, "filename", "")]
