"""The cellar: what every chapter stands on, and nothing that knows a grant word."""
