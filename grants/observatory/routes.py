"""The doors of the register, open data and figures."""

from flask import Blueprint

bp = Blueprint("observatory", __name__)
