"""The committee's calculations: plain functions on plain data, without a database, which commands and pages share."""
