"""The doors of the committee’s meetings and of the decisions that follow."""

from flask import Blueprint

bp = Blueprint("deliberation", __name__)
