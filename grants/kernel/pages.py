"""What every page shares: filters, the names of the fund, the style sheet in one piece, headers."""

import base64
import gzip
import hashlib
import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable, MutableMapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from zoneinfo import ZoneInfo

import brotli
from babel.dates import format_date, format_timedelta, get_timezone_location
from flask import Flask, current_app, g, has_request_context, request, session, url_for
from flask.templating import Environment
from jinja2 import StrictUndefined
from jinja2.runtime import Macro
from werkzeug.wrappers import Response
from whitenoise import WhiteNoise

from grants.kernel import access, clock, sheets, stored_forms
from grants.kernel.machine import Machine, Move, StatusWord, Text
from grants.kernel.money import Money, round_half_up
from grants.kernel.words import LANGUAGES, _, grouped, in_words_of, language

NBSP = "\u00a0"
_NOT_IN_PATHS = {"Cc", "Cs", "Zs", "Zl", "Zp"}
DRAWN = 5_000  # pieces of page kept drawn by a process
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


def money(value: Money | None, *, cents: bool | None = None) -> str:
    """ "12 500 €", in English "€12,500", with cents when there are some or when asked."""
    if value is None:
        return "—"
    with_cents = bool(value.cents % 100) if cents is None else cents
    return _money(value.cents, with_cents, language())


@lru_cache(maxsize=4096)
def _money(cents: int, with_cents: bool, code: str) -> str:
    sign = "-" if cents < 0 else ""
    if with_cents:
        whole, rest = divmod(abs(cents), 100)
        amount = f"{grouped(whole, code)}{',' if code == 'fr' else '.'}{rest:02d}"
    else:
        amount = grouped(abs(round_half_up(Fraction(cents, 100))), code)
    return f"{sign}{amount}{NBSP}€" if code == "fr" else f"{sign}€{amount}"


def number(value: int | None) -> str:
    """A whole number grouped as the reader expects."""
    return "—" if value is None else grouped(value, language())


def percent(value: int | Fraction | None, digits: int = 0) -> str:
    """A percentage: 37 → "37 %"."""
    if value is None:
        return "—"
    return f"{decimal(value, digits)}{NBSP}%" if language() == "fr" else f"{decimal(value, digits)}%"


def decimal(value: int | Fraction | None, digits: int = 1) -> str:
    """An exact number rounded once, for showing."""
    if value is None:
        return "—"
    scaled = round_half_up(Fraction(value) * 10**digits)
    whole, rest = divmod(abs(scaled), 10**digits)
    sign = "-" if scaled < 0 else ""
    mark = "," if language() == "fr" else "."
    return f"{sign}{number(whole)}" + (f"{mark}{rest:0{digits}d}" if digits else "")


def day(value: date | datetime | None) -> str:
    """ "14 février 2019"."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        value = value.astimezone(zone()).date()
    return _day(value, language())


@lru_cache(maxsize=4096)
def _day(value: date, code: str) -> str:
    text = str(format_date(value, "d MMMM y", locale=code))
    return "1er" + text[1:] if code == "fr" and text.startswith("1 ") else text


def weekday(value: date | datetime | None) -> str:
    """ "vendredi", in the fund's zone."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        value = value.astimezone(zone()).date()
    return str(format_date(value, "EEEE", locale=language()))


def instant(value: datetime | None, *, with_zone: bool = True) -> str:
    """ "14 février 2019 à 17 h 00 (heure de Paris)", seconds shown when there are some."""
    if value is None:
        return "—"
    local = value.astimezone(zone())
    details = [_clock_of(zone().key) if with_zone else "", _season(local)]
    place = f" ({', '.join(filter(None, details))})" if any(details) else ""
    if language() == "fr":
        hour = f"{local.hour}{NBSP}h{NBSP}{local.minute:02d}" + (
            f"{NBSP}min{NBSP}{local.second:02d}" if local.second else ""
        )
        return f"{day(value)} à {hour}{place}"
    seconds = f":{local.second:02d}" if local.second else ""
    return f"{day(value)} at {local.hour:02d}:{local.minute:02d}{seconds}{place}"


def second(value: datetime) -> str:
    """The hour of an instant to the second, in the fund's zone: 23:54:10."""
    return value.astimezone(zone()).strftime("%H:%M:%S")


def _clock_of(key: str) -> str:
    """Whose clocks an hour is read on."""
    if key == "Europe/Paris":
        return _("heure de Paris")
    return _("heure locale, %(city)s", city=get_timezone_location(key, locale=language(), return_city=True))


def _season(local: datetime) -> str:
    """Which of two hours is meant that read alike, on the night when the clocks go back; "" at any other time."""
    if local.replace(fold=1 - local.fold).utcoffset() == local.utcoffset():
        return ""
    return _("heure d’été") if local.dst() else _("heure d’hiver")


def colon() -> str:
    """A colon after a label, as the reader's language sets it."""
    return f"{NBSP}:" if language() == "fr" else ":"


def titled(label: Text) -> str:
    """A label before what it introduces: with a colon, unless it ends a sentence by itself, as a question does."""
    said = str(label).rstrip()
    return said if said.endswith(("?", "!", ":", "…")) else f"{said}{colon()}"


def relative(value: datetime | date | None) -> str:
    """ "dans 3 jours", "il y a 2 heures"."""
    if value is None:
        return "—"
    if isinstance(value, datetime):
        delta = value - clock.now()
    else:
        delta = value - clock.today()
        if not delta:
            return _("aujourd’hui")
    return str(format_timedelta(delta, add_direction=True, locale=language()))


def file_size(value: int) -> str:
    """ "812 Ko", "1,2 Mo", in English "812 kB", "1.2 MB": rounded once. `static/js/sizes.js` writes the same."""
    kilo, mega = ("Ko", "Mo") if language() == "fr" else ("kB", "MB")
    if value < 999_500:
        return f"{number(max(round_half_up(Fraction(value, 1_000)), min(value, 1)))}{NBSP}{kilo}"
    tenths = round_half_up(Fraction(value, 100_000))
    return f"{decimal(Fraction(tenths, 10), 1 if tenths % 10 else 0)}{NBSP}{mega}"


def names() -> tuple[str, str]:
    """The name of the fund and of the body that gives, as the operator says them (FUND_NAME, BODY_NAME)."""
    settings = current_app.config["SETTINGS"]
    return settings.fund_name, settings.body_name


def zone() -> ZoneInfo:
    """The zone instants are shown in."""
    return ZoneInfo(clock.zone())


# ---- machines on pages ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OfferedMove:
    """A move as a page shows it: possible, or with the reason why not."""

    verb: str
    label: Text
    url: str
    reason: Text | None


def status(thing: Any, *, public: bool | None = None) -> StatusWord:
    """The status word of a thing, in the staff's or the applicant's words."""
    machine: Machine = type(thing).lifecycle
    outside = not access.actor().roles if public is None else public
    return machine.status(thing, public=outside)


def moves(thing: Any, **params: Any) -> list[OfferedMove]:
    """The moves the person may make from here: policy says who, the machine says when."""
    machine: Machine = type(thing).lifecycle
    return [
        _offer(machine, thing, move, params)
        for move in machine.moves_from(getattr(thing, machine.column))
        if move.endpoint is not None and access.can(move.permission, thing)
    ]


def offered(thing: Any, **params: Any) -> dict[str, OfferedMove]:
    """The same moves by verb."""
    return {offer.verb: offer for offer in moves(thing, **params)}


def address_of(endpoint: str) -> str:
    """The address of a view, with … for what names one thing; the endpoint itself where there is no such view now."""
    if endpoint not in current_app.view_functions:
        return endpoint
    rule = next(current_app.url_map.iter_rules(endpoint))
    return re.sub(r"<[^>]*>", "…", rule.rule)


def barred(thing: Any, *permissions: StrEnum) -> list[str]:
    """Why the person may not make moves from here that their office makes, nor acts under those permissions: each
    reason once."""
    machine: Machine = type(thing).lifecycle
    moves_here = machine.moves_from(getattr(thing, machine.column))
    asked = [*(move.permission for move in moves_here if move.endpoint is not None), *permissions]
    reasons = (access.why_not(each, thing) for each in asked if access.can(each))
    return list(dict.fromkeys(str(reason) for reason in reasons if reason is not None))


def _offer(machine: Machine, thing: Any, move: Move, params: dict[str, Any]) -> OfferedMove:
    key = f"{machine.name}_id"
    return OfferedMove(
        move.verb,
        move.label,
        url_for(str(move.endpoint), **{key: thing.id, **params}),
        machine.why_not(thing, move.verb),
    )


# ---- static files --------------------------------------------------------------------------------------------------


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest())[:12].decode()


def _static(app: Flask) -> tuple[Callable[[str], str], Callable[[], str]]:
    folder = Path(str(app.static_folder))
    known: dict[str, str] = {}

    def static(path: str) -> str:
        if not (folder / path).is_file():
            raise FileNotFoundError(path)
        version = "" if app.debug else f"{app.config['STATIC_VERSION']}/"
        return url_for("static", filename=f"{version}{path}")

    def stylesheet() -> str:
        if "site.css" not in known or app.debug:
            known["site.css"] = url_for("stylesheet", v=_digest(site_css(folder)))
        return known["site.css"]

    return static, stylesheet


def version_of(folder: Path) -> str:
    """A name for what all static files say: files that name one another lie under it together, so that a module of one
    version never meets one of another. What is packed ahead of time says the same and is left out."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in {".gz", ".br"}:
            digest.update(repr((path.relative_to(folder).as_posix(), path.read_bytes())).encode())
    return base64.urlsafe_b64encode(digest.digest())[:12].decode()


def packed_scripts(files: WSGIApplication) -> WSGIApplication:
    """Pack scripts, each once in a process, for browsers that take gzip."""
    packed: dict[tuple[str, str], bytes] = {}

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path, accepted = str(environ.get("PATH_INFO", "")), str(environ.get("HTTP_ACCEPT_ENCODING", ""))
        is_script = path.startswith("/static/") and path.endswith(".js")
        if not is_script or "gzip" not in accepted or environ["REQUEST_METHOD"] != "GET" or "HTTP_RANGE" in environ:
            return files(environ, start_response)
        script = Response.from_app(files, environ, buffered=True)
        script.headers["Vary"] = "Accept-Encoding"
        if script.status_code == HTTPStatus.OK and "Content-Encoding" not in script.headers:
            key = path, str(script.headers.get("ETag"))
            if key not in packed:
                packed[key] = gzip.compress(script.get_data(), mtime=0)
            script.set_data(packed[key])
            script.headers["Content-Encoding"] = "gzip"
        return script(environ, start_response)

    return answer


def serve_static(app: Flask) -> None:
    """Serve static files: for ever under the name of their version, and asked again each time without it."""
    folder, version = str(app.static_folder), app.config["STATIC_VERSION"]
    files = WhiteNoise(
        app.wsgi_app, max_age=0, immutable_file_test=lambda _path, url: url.startswith(f"/static/{version}/")
    )
    for prefix in ("static/", f"static/{version}/"):
        files.add_files(folder, prefix=prefix)
    app.wsgi_app = packed_scripts(files)  # type: ignore[assignment, method-assign]


_DARK = re.compile(rb'\[data-theme="dark"\] \{([^}]*)\}')
_PREFERRED = rb'@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) {\1} }\n  \g<0>'


def site_css(folder: Path) -> bytes:
    """The style sheets listed in css/ORDER, in one piece: one request, readable sources.

    The dark theme, which tokens.css writes once for `data-theme`, is given to screens that prefer dark as well.
    """
    names = (folder / "css" / "ORDER").read_text(encoding="utf-8").split()
    return _DARK.sub(_PREFERRED, b"\n".join((folder / name).read_bytes() for name in names))


# ---- addresses -----------------------------------------------------------------------------------------------------


def _addresses(app: Flask) -> Callable[..., str]:
    """`url_for` for templates: the address of an endpoint whose values are ids is built once, then filled.

    A list of fifty rows asks for the same address fifty times.
    """
    patterns: dict[tuple[str, str, tuple[str, ...]], str] = {}

    def built(endpoint: str, **values: Any) -> str:
        if not has_request_context() or not all(type(value) is UUID for value in values.values()):
            return app.url_for(endpoint, **values)
        key = (request.environ.get("SCRIPT_NAME", ""), endpoint, tuple(values))
        if key not in patterns:
            marks: dict[str, Any] = {name: UUID(int=place) for place, name in enumerate(values)}
            pattern = app.url_for(endpoint, **marks)
            for name, mark in marks.items():
                pattern = pattern.replace(str(mark), f"{{{name}}}")
            patterns[key] = pattern
        return patterns[key].format(**values)

    return built


def safe_path(target: str | None) -> str | None:
    """A path on this site, or None. For whatever a visitor names as the page to go to: browsers drop tabs and line
    ends, and read a backslash as a slash, so none of them is let through."""
    if not target or len(target) > 800 or not target.startswith("/") or target.startswith("//"):
        return None
    if "\\" in target or any(unicodedata.category(character) in _NOT_IN_PATHS for character in target):
        return None
    return target


def here(**changed: str | None) -> str:
    """The address of this page with its parameters, some of them given another value or (None) taken away."""
    parameters = [(name, value) for name, value in request.args.items(multi=True) if name not in changed]
    parameters += [(name, value) for name, value in changed.items() if value is not None]
    path = safe_path(quote(request.root_path + request.path)) or "/"
    return f"{path}?{urlencode(parameters)}" if parameters else path


def way_back() -> str:
    """The page of this site a visitor came from, or the home page."""
    referrer = request.referrer or ""
    return referrer if referrer.startswith(request.host_url) else "/"


def address(endpoint: str, **values: Any) -> str:
    """The address of an endpoint as the templates' `url_for` gives it, for the menus that every page asks for."""
    return str(current_app.extensions["addresses"](endpoint, **values))


# ---- installation --------------------------------------------------------------------------------------------------


def url_path(endpoint: str, **values: Any) -> str:
    """The path of an endpoint, also where there is no request (letters written by the worker or the command line)."""
    return current_app.url_map.bind("").build(endpoint, values)


def link(endpoint: str, **values: Any) -> str:
    """The absolute address of an endpoint, from configuration alone (never from a request's Host)."""
    return f"{current_app.config['SETTINGS'].base_url}{url_path(endpoint, **values)}"


def _drawn(app: Flask) -> Callable[[Macro, Hashable], str]:
    """What a macro draws from plain values alone, drawn once for the same values: lists show the same again and again.

    The macro asks nothing of the request but its language.
    """
    cached: dict[Hashable, str] = app.extensions.setdefault("drawn", {})

    def once(macro: Macro, values: Hashable) -> str:
        key = macro.name, language(), values
        if key not in cached:
            if len(cached) >= DRAWN:
                cached.clear()
            cached[key] = macro(values)
        return cached[key]

    return once


def hundredths(value: int | None) -> str:
    """A number kept in hundredths: 7346 → "73,5"."""
    return decimal(None if value is None else Fraction(value, 100))


class Sheets(Environment):
    """Where templates are made. Those without words of their own share the environment's: laid over them, as Jinja
    does for each template, every import on a page compares them one by one."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The words a template knows before it is given any."""
        return super().make_globals(d) if d else self.globals


def install(app: Flask) -> None:
    """Give templates their filters and words, and every answer its headers."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config["STATIC_VERSION"] = version_of(Path(str(app.static_folder)))
    static, stylesheet = _static(app)
    app.extensions["addresses"] = _addresses(app)
    app.jinja_env.filters.update(
        money=money, number=number, percent=percent, decimal=decimal, hundredths=hundredths, day=day, weekday=weekday,
        instant=instant, relative=relative, file_size=file_size,
    )  # fmt: skip
    app.jinja_env.globals.update(
        actor=access.actor, can=access.can, why_not=access.why_not, may_know=access.may_know, status=status,
        moves=moves, offered=offered, barred=barred, url_for=app.extensions["addresses"],
        endpoint_exists=lambda name: name in app.view_functions,
        static=static, stylesheet=stylesheet, form_key=access.form_key, locale=language, languages=LANGUAGES,
        settings=lambda: current_app.config["SETTINGS"], now=clock.now, text_of=in_words_of, url_path=url_path,
        once=_drawn(app), workbook_rows=lambda: sheets.MOST_ROWS, colon=colon, titled=titled, here=here,
        way_back=way_back,
        recalled=lambda: stored_forms.recalled(access.actor().id), sent_form=stored_forms.sent_form,
    )  # fmt: skip

    @app.get("/static/site.css", endpoint="stylesheet")
    @access.public
    def site_stylesheet() -> Response:
        if "SITE_CSS" not in app.config or app.debug:
            plain = site_css(Path(str(app.static_folder)))
            app.config["SITE_CSS"] = {
                "br": brotli.compress(plain, mode=brotli.MODE_TEXT), "gzip": gzip.compress(plain, mtime=0), "": plain,
            }  # fmt: skip
        packed: dict[str, bytes] = app.config["SITE_CSS"]
        plain = packed[""]
        coding = next(coding for coding in packed if not coding or request.accept_encodings[coding])
        response = app.response_class(packed[coding], mimetype="text/css")
        if coding:
            response.headers["Content-Encoding"] = coding
        response.headers["Vary"] = "Accept-Encoding"
        is_this_one = request.args.get("v") == _digest(plain)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_this_one else "no-cache"
        return response

    app.after_request(_packed)
    app.after_request(_headers)


_KEYS = re.compile(r'name="(?:csrf_token|_key)" value="[^"]*"')


def unless_known(page: str) -> Response:
    """A page, or 304 for a visitor whose browser holds one that says the same; whoever is signed in keeps no page.

    Only for a page whose forms may be sent twice: they differ by their keys alone, and those of the page that is held
    are still good while the session that its anti-forgery token belongs to goes on.
    """
    response = current_app.make_response(page)
    if access.actor().is_authenticated:
        return response
    said = repr((session.get("csrf_token"), _KEYS.sub("", page)))
    response.set_etag(hashlib.sha256(said.encode()).hexdigest()[:32], weak=True)
    return response.make_conditional(request)


def _packed(response: Response) -> Response:
    """Compress a page for whoever is not signed in; what signed-in people read is left to the operator's proxy.

    A compressed answer that holds both a secret and what a stranger made the browser ask tells the secret by its size:
    visitors without a session have no secret worth that.
    """
    is_open = not ("actor" in g and g.actor.is_authenticated) and request.method == "GET"
    is_page = response.mimetype == "text/html" and not (response.is_streamed or response.direct_passthrough)
    if not is_open or not is_page or response.status_code == HTTPStatus.NOT_MODIFIED:
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"]:
        response.set_data(gzip.compress(response.get_data(), 5, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CSP)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    settings = current_app.config["SETTINGS"]
    if settings.secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    if request.endpoint not in {"static", "stylesheet"} and "Cache-Control" not in headers:
        signed_in = "actor" in g and g.actor.is_authenticated
        headers["Cache-Control"] = "no-store" if signed_in or request.method != "GET" else "no-cache, private"
        headers.add("Vary", "Cookie")
    return response
