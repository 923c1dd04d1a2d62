"""Reading a time that somebody typed, and never guessing: `read` and `say`."""

from core.when.reading import is_a_time, read, say

__all__ = ["is_a_time", "read", "say"]
