"""Forms of documents: a file with what it is and its dates, and the dates alone."""

from flask_wtf.file import FileField, FileRequired
from wtforms import SelectField

from grants.documents.rules import DocumentDates
from grants.kernel.formats import SUFFIXES
from grants.kernel.forms import DayField, Form
from grants.kernel.versions import VersionField
from grants.kernel.words import _l


class DatesForm(Form):
    """The dates of a document."""

    version = VersionField()
    dated_on = DayField(_l("Date du document"), description=_l("Celle qui est écrite dessus."))
    valid_until = DayField(
        _l("Valable jusqu’au"),
        description=_l(
            "Si le document a une fin, comme une attestation : les membres sont avertis trente jours avant."
        ),
    )

    def dates(self) -> DocumentDates:
        """The dates that were typed."""
        return DocumentDates(self.dated_on.data, self.valid_until.data)


class DocumentForm(DatesForm):
    """A document to keep."""

    kind = SelectField(_l("De quel document s’agit-il ?"))
    file = FileField(_l("Fichier"), [FileRequired(_l("Choisissez un fichier."))], render_kw={"accept": SUFFIXES})
