"""The application for WSGI servers: `gunicorn wsgi:app`."""

import sys

from grants import create_app
from grants.demo import mode
from grants.kernel import private
from grants.kernel.db import db

private.by_default()
app = create_app()
if app.config["SETTINGS"].is_demo:
    with app.app_context():
        trouble = mode.wrong(app.config["SETTINGS"])
        db.session.remove()
        db.engine.dispose()
    if trouble:
        sys.exit(trouble)
