"""The observatory: the public register, open data and the figures by axis; reads only."""
