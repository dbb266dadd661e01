"""The limits of messages."""

from datetime import timedelta

LONGEST = 4_000  # characters of one message
MOST_FILES = 5  # joined to one message
MOST_SENT = 60  # messages of one person within a day
DAY = timedelta(days=1)
PAGE = 20  # messages on one page
MOST_SHOWN = 20  # conversations on the home page of an association
