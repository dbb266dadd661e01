"""What forms say of a value that was never offered, in the language of the page."""

from uuid import UUID

import pytest
from werkzeug.datastructures import MultiDict
from wtforms import DateTimeLocalField, RadioField, SelectField, SelectMultipleField
from wtforms.fields.choices import SelectChoice

from grants.kernel.forms import Form

pytestmark = pytest.mark.neutral


OFFERED = [SelectChoice("a", "A")]


class Sent(Form):
    """One field of each kind of the library that we use, and one that we do not."""

    listed = SelectField(choices=OFFERED)
    shown = RadioField(choices=OFFERED)
    several = SelectMultipleField(choices=OFFERED)
    keyed = SelectField(choices=OFFERED, coerce=UUID)
    at = DateTimeLocalField()


@pytest.mark.parametrize(
    ("language", "not_offered"), [("fr", "Ce choix n’est pas proposé."), ("en", "This choice is not offered.")]
)
def test_what_was_not_offered_is_refused_in_our_words(app, language, not_offered):
    given = MultiDict([("listed", "x"), ("shown", "x"), ("several", "x"), ("keyed", "x"), ("at", "x")])
    with app.test_request_context(headers={"Cookie": f"language={language}"}):
        form = Sent(given, meta={"csrf": False})
        assert not form.validate()
        assert {name: form[name].errors[-1] for name in ("listed", "shown", "keyed")} == dict.fromkeys(
            ("listed", "shown", "keyed"), not_offered
        )
        said = "".join(error for errors in form.errors.values() for error in errors)
        assert "'" not in said.replace("'x'", "")
        assert ("valide" in said) is (language == "fr")
