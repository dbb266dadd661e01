"""Messages between the members of an organisation and the fund about one application."""
