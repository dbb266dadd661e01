"""The desk: the home of each role and the pages that show one application across all chapters."""
