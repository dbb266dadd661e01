"""Documents that an organisation gives once and joins to each of its applications."""
