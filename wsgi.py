"""The application for WSGI servers: `gunicorn wsgi:app`."""

from grants import create_app
from grants.kernel import private

private.by_default()
app = create_app()
