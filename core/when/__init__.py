"""Reading a time that somebody typed, and never guessing: `read` and `say`."""

from core.when.reading import IN_THE_PAST, after_length, is_a_time, read, say

__all__ = ["IN_THE_PAST", "after_length", "is_a_time", "read", "say"]
