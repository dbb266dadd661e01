"""The public page of a call, and the pages where managers prepare it."""

from flask import Blueprint

bp = Blueprint("calls", __name__)
