"""The fund, its frameworks, its territory and its dated law: what every call refers to."""
