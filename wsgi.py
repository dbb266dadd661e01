"""The application for WSGI servers: `gunicorn wsgi:app`."""

from grants import create_app

app = create_app()
