"""The doors of applicants: start, write, submit, follow, withdraw."""

from flask import Blueprint

bp = Blueprint("applications", __name__)
