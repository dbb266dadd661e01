"""The framework pages the public reads, and the pages where managers keep the fund’s data."""

from flask import Blueprint

bp = Blueprint("programme", __name__)
