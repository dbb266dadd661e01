"""The application for WSGI servers: `gunicorn wsgi:app`."""

import sys

from grants import create_app
from grants.demo import mode
from grants.kernel import private

private.by_default()
app = create_app()
with app.app_context():
    trouble = mode.refused(app.config["SETTINGS"])
if trouble:
    sys.exit(trouble)
