"""Why input does not fit a model, in sentences: one set of words for every door."""

from collections.abc import Mapping
from typing import Any

EMPTY = "This cannot be empty."


def complaint(found: Mapping[str, Any]) -> str:
    """One of pydantic's errors as a sentence about the rule that was broken; it never repeats what was given."""
    kind, context = str(found["type"]), found.get("ctx", {})
    if kind == "value_error":
        return _sentence(str(context.get("error", "This is not valid")))
    if kind == "string_too_short" and context.get("min_length") == 1:
        return EMPTY
    if kind in {"too_short", "too_long"} and context.get("field_type") not in _COLLECTIONS:
        kind = f"string_{kind}"  # pydantic's word for secrets, which it never looks into
    template = _RULES.get(kind)
    if template is not None:
        return template.format(**context)
    return _sentence(_BY_PREFIX.get(kind.split("_", 1)[0], "This is not valid"))


_RULES = {
    "missing": "This is required.",
    "extra_forbidden": "There is no such field.",
    "string_too_long": "At most {max_length} characters.",
    "string_too_short": "At least {min_length} characters.",
    "string_unicode": "This is not valid text.",
    "too_long": "At most {max_length} entries.",
    "too_short": "At least {min_length} entry; leave it out to mean all.",
    "greater_than_equal": "Must be {ge} or more.",
    "less_than_equal": "Must be {le} or less.",
    "literal_error": "Must be {expected}.",
    "union_tag_invalid": "{discriminator} must be one of {expected_tags}.",
    "union_tag_not_found": "{discriminator} is required.",
    "string_pattern_mismatch": "This has a character that is not allowed here.",
    "json_invalid": "This is not JSON.",
    "model_attributes_type": "Must be a JSON object.",
}
_COLLECTIONS = {"List", "Tuple", "Set", "Dictionary"}
_BY_PREFIX = {
    "string": "Must be text",
    "int": "Must be a whole number",
    "bool": "Must be true or false",
    "list": "Must be a list",
    "dict": "Must be a JSON object",
    "model": "Must be a JSON object",
}


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
