"""Row ids as callers send them: what no row can have is refused before a database sees it."""

from typing import Annotated

from pydantic import Field

LARGEST_ID = 2**63 - 1
RowId = Annotated[int, Field(ge=1, le=LARGEST_ID, strict=True)]
"""Strict: to pydantic `true` is 1 and `"3"` is 3, and neither was meant as an id."""
