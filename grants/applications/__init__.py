"""Applications: from the first draft to the receipt of the submitted version."""
