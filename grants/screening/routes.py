"""The doors of screening: gates, decisions, pieces asked and answered."""

from flask import Blueprint

bp = Blueprint("screening", __name__)
