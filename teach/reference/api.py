"""docs/reference/api.md: every call, from the OpenAPI document."""

from __future__ import annotations

from typing import Any

from teach.reference.table import NOTE, table


def _fields(document: dict[str, Any], operation: dict[str, Any]) -> str:
    """Return the fields of the body; one with a star must be there."""
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    found = document["components"]["schemas"].get(name, {})
    needed = found.get("required", ())
    names = found.get("properties", {})
    return ", ".join(f"`{field}`{'*' if field in needed else ''}" for field in names)


def _asked(operation: dict[str, Any]) -> str:
    """Return what may be asked for in the address, without what stands in the path."""
    found = (p for p in operation.get("parameters", ()) if p["in"] == "query")
    return ", ".join(f"`{p['name']}`" for p in found)


def api_page(document: dict[str, Any]) -> str:
    """Return the page for an OpenAPI document."""
    rows = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            answers = ", ".join(sorted(str(code) for code in operation["responses"]))
            rows.append(
                (
                    f"`{method.upper()} {path}`",
                    operation.get("description", ""),
                    _asked(operation),
                    _fields(document, operation),
                    answers,
                )
            )
    calls = table(("call", "what it does", "query", "body", "answers"), rows)
    return (
        f"# Calls of the API\n\n{NOTE}\nExamples and what the fields mean: [api.md](../api.md). A "
        f"field with a star must be there.\n\n{calls}"
    )
