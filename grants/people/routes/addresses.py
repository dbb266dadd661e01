"""Views of addresses that refuse our letters: those of organisations, a letter that checks one, the link it carries."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from grants.kernel import refusals
from grants.kernel.access import actor, public, requires
from grants.kernel.words import _
from grants.people import actions, queries, rules
from grants.people.routes.blueprint import bp, limited
from grants.permissions import P

bp.add_app_template_global(queries.refused_of, "refused_addresses")


@bp.get("/gestion/adresses")
@requires(P.PEOPLE_LIST)
def refused_letters() -> str:
    """The organisations that our letters do not reach, and since when."""
    return render_template("people/refused_letters.html", rows=queries.refused_letters(), most=queries.MOST_REFUSED)


@bp.post("/mon-compte/adresse/verifier")
@limited(rules.ADDRESS_CHECK)
@requires(P.ACCOUNT_OWN)
def check_address() -> Response:
    """Have a letter sent to an address of one's own, to see whether it arrives again."""
    who = actor()
    address = request.form.get("address", "")[: rules.EMAIL_MAX]
    if actions.check_address(address, by=who, locale=who.locale):
        flash(_("Un message vient de partir à %(email)s. Ouvrez le lien qu’il contient.", email=address), "success")
    else:
        flash(_("Un message est parti il y a quelques minutes : attendez avant d’en demander un autre."), "info")
    return redirect(url_for("people.account"))


@bp.route("/adresses/<secret>", methods=["GET", "POST"])
@public
def address_arrives(secret: str) -> str | tuple[str, int] | Response:
    """The page that the link of such a letter opens: looking changes nothing, the button says that it arrived."""
    known = refusals.checked(secret[:100])
    if known is None:
        return render_template("people/dead_link.html", kind="address"), 410
    if request.method == "POST":
        actions.letters_arrive(known, by=actor())
        flash(_("C’est noté : nos courriels arrivent de nouveau à cette adresse."), "success")
        return redirect(url_for("people.account" if actor().is_authenticated else "people.sign_in"))
    return render_template("people/address_arrives.html", address=known.address)
