"""Deliberation: ranking, recommendations within the envelope, the body's act and its publication."""
