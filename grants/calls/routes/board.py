"""The one board every door of the calls hangs on."""

from flask import Blueprint

bp = Blueprint("calls", __name__)
