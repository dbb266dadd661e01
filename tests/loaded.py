"""What every process of a run does once instead of again and again: rows are mapped, templates are compiled.

Read by the process of the tests, and by the one that starts servers and commands for them (`tests/starting.py`).
"""

from flask import Flask
from jinja2 import FileSystemBytecodeCache
from sqlalchemy.orm import configure_mappers

from grants import app, cli  # noqa: F401 - all models, and all that a server or a command imports

configure_mappers()
# Kept by what the template says, in a folder for temporary files of this user alone.
Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": FileSystemBytecodeCache()}
