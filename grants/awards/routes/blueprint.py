"""The blueprint of awards."""

from flask import Blueprint
from werkzeug.wrappers import Response

bp = Blueprint("awards", __name__)
Answer = str | Response | tuple[str, int]
