"""The page `/api/docs`: the API's description as a person reads it. It needs no sign-in, for the
description holds nothing of any account."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from auditlogs.api.description import described
from auditlogs.api.views import public


@dataclass(frozen=True, slots=True)
class Documented:
    """A parameter, a field or an answer: its name, the values it takes, and a sentence."""

    name: str
    kind: str
    sentence: str = ""


@public
def api_docs(request: HttpRequest) -> HttpResponse:
    """Show every request of the API, and the fields of what it takes and answers."""
    document = described()
    context = {
        "about": document["info"]["description"],
        "requests": list(_requests(document)),
        "types": list(_types(document)),
    }
    return render(request, "hub/help/api_docs.html", context)


def _requests(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield {
                "id": operation["operationId"],
                "method": method.upper(),
                "path": path,
                "summary": operation["summary"],
                "description": operation["description"],
                "parameters": [
                    Documented(each["name"], kind_of(each["schema"]), each["description"])
                    for each in operation["parameters"]
                ],
                "bodies": _contents(operation.get("requestBody", {})),
                "answers": [
                    (Documented(status, "", answer["description"]), _contents(answer))
                    for status, answer in operation["responses"].items()
                ],
            }


def _contents(holder: dict[str, Any]) -> list[Documented]:
    return [
        Documented(media_type, kind_of(each["schema"]))
        for media_type, each in holder.get("content", {}).items()
    ]


def _types(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, schema in document["components"]["schemas"].items():
        required = schema.get("required", [])
        yield {
            "name": name,
            "sentence": schema.get("description", ""),
            "fields": [
                Documented(field, kind_of(each), "" if field in required else "may be absent")
                for field, each in schema["properties"].items()
            ],
        }


def kind_of(schema: dict[str, Any]) -> str:
    """Return the values that a schema takes, in words: `string`, `array of Actor`, `1 to 1000`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(kind_of(each) for each in schema["anyOf"])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    kind = schema.get("type", "any value")
    if isinstance(kind, list):
        return " or ".join(kind_of({**schema, "type": each}) for each in kind)
    if kind == "array":
        return f"array of {kind_of(schema['items'])}"
    if kind == "integer" and "maximum" in schema:
        return f"integer, {schema['minimum']} to {schema['maximum']}"
    if kind == "string" and "format" in schema:
        return str(schema["format"])
    if kind == "string" and "maxLength" in schema:
        return f"string of at most {schema['maxLength']} characters"
    return str(kind)
