"""The OpenAPI document in the order and the words in which a person reads it."""

import json
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A parameter or a field."""

    name: str
    kind: str
    required: bool
    note: str


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    description: str
    shape: str


@dataclass(frozen=True, slots=True)
class Operation:
    anchor: str
    method: str
    path: str
    summary: str
    description: str
    access: str
    parameters: list[Entry]
    body: list[Entry]
    example: str
    answers: list[Answer]


def reference(document: Document) -> dict[str, list[Operation]]:
    """Operations by their subject, in the order of the routes."""
    groups: dict[str, list[Operation]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            groups.setdefault(operation["tags"][0], []).append(_operation(document, method, path, operation))
    return groups


def _operation(document: Document, method: str, path: str, operation: Document) -> Operation:
    schema = _body_schema(document, operation)
    return Operation(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation.get("description", ""),
        access=_access(operation),
        parameters=[_parameter(document, each) for each in operation.get("parameters", [])],
        body=_fields(document, schema),
        example=_example(operation),
        answers=[_answer(status, answer) for status, answer in sorted(operation["responses"].items())],
    )


_SCHEMES = {"token": "token", "session": "cookie"}


def _access(operation: Document) -> str:
    security = operation.get("security", [])
    if not security:
        return "anybody"
    names = " or ".join(_SCHEMES[name] for each in security for name in each)
    return f"{names}, optional" if {} in security else names


def _parameter(document: Document, parameter: Document) -> Entry:
    kind = f"{_kind(document, parameter['schema'])} in {parameter['in']}"
    return Entry(parameter["name"], kind, parameter.get("required", False), parameter.get("description", ""))


def _content(operation: Document) -> Document:
    found: Document = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return found


def _body_schema(document: Document, operation: Document) -> Document:
    schema = _content(operation).get("schema", {})
    options = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    return _resolved(document, options[0])


def _example(operation: Document) -> str:
    examples = _content(operation).get("schema", {}).get("examples") or [None]
    return json.dumps(examples[0], indent=2, ensure_ascii=False) if examples[0] is not None else ""


def _fields(document: Document, schema: Document) -> list[Entry]:
    required = schema.get("required", [])
    return [
        Entry(name, _kind(document, each), name in required, _limits(each))
        for name, each in schema.get("properties", {}).items()
    ]


def _kind(document: Document, schema: Document) -> str:
    """`text`, `whole number`, `list of whole number`, `"active" or "paused"`."""
    if "anyOf" in schema:
        return " or ".join(_kind(document, each) for each in schema["anyOf"] if each.get("type") != "null")
    if "$ref" in schema:
        return _kind(document, _resolved(document, schema))
    if "enum" in schema:
        return " or ".join(f'"{value}"' for value in schema["enum"])
    if "const" in schema:
        return f'"{schema["const"]}"'
    if schema.get("type") == "array":
        return f"list of {_kind(document, schema['items'])}"
    if schema.get("format") == "date-time":
        return "time"
    return _KINDS.get(schema.get("type", ""), "object")


_KINDS = {"string": "text", "integer": "whole number", "boolean": "true or false"}


def _limits(schema: Document) -> str:
    options = [schema, *schema.get("anyOf", [])]
    longest = next((each["maxLength"] for each in options if "maxLength" in each), None)
    return f"at most {longest} characters" if longest else ""


def _answer(status: str, answer: Document) -> Answer:
    content: Document = next(iter(answer.get("content", {}).values()), {})
    schema = content.get("schema", {})
    names = [each.get("$ref", "").rpartition("/")[2] for each in schema.get("anyOf", [schema])]
    return Answer(status, answer["description"], " or ".join(filter(None, names)))


def _resolved(document: Document, schema: Document) -> Document:
    if "$ref" not in schema:
        return schema
    found: Document = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found
