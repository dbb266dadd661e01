"""Reviewing: who reads which application, what interests they declare, and the marks they give."""
