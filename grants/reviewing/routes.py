"""The doors of reviewers and of those who assign them."""

from flask import Blueprint

bp = Blueprint("reviewing", __name__)
