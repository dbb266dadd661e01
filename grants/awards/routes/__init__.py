"""The doors of awards: agreement, bank details, payments, reports."""

from flask import Blueprint

bp = Blueprint("awards", __name__)
