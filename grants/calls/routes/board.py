"""The blueprint of the views of calls."""

from flask import Blueprint

bp = Blueprint("calls", __name__)
