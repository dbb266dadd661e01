"""Gracious appeals: an organisation asks for its decision to be looked at again, and is answered."""
