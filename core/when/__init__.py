"""Reading a time that somebody typed, and never guessing: `read` and `say`."""

from core.when.reading import read, say

__all__ = ["read", "say"]
