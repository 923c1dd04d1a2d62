"""What processes tell each other through PostgreSQL (LISTEN and NOTIFY). Hints: nothing is lost with them."""

OUTBOX = "soonish_outbox"
"""A bell was committed; said by a trigger of the outbox."""
DUE = "soonish_due"
"""More rows of a notification (its id) are due than whoever carries them has claimed."""
