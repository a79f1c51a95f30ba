"""The view that somebody new to MongoDB would write: skip and limit, a count, a pattern."""

import os
import re
from typing import Any

import pymongo
from django.http import HttpRequest, HttpResponse
from django.template import engines

PAGE_SIZE = 50
FIELDS = {"actor": "actor.id", "result": "result", "botId": "botId", "target": "target.id"}
TYPES = ("auth", "trade", "config", "mcp", "system")
SEARCHED = ("action", "actor.id", "actor.name", "target.type", "target.id", "target.name")
TEMPLATE = """
<h1>Logs</h1><p>{{ count }} entries, page {{ page }}</p>
<table>{% for entry in entries %}
<tr><td>{{ entry.timestamp }}<td>{{ entry.actor.name }}<td>{{ entry.action }}
<td>{{ entry.target.id }}<td>{{ entry.result }}<td>{{ entry.duration }}</tr>
{% endfor %}</table>
"""

_client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
    os.environ["MONGODB_URI"], connect=False
)


def logs(request: HttpRequest) -> HttpResponse:
    entries = _client.get_default_database("auditlogs")["audit_logs"]
    asked: dict[str, Any] = {"account": os.environ["PEER_ACCOUNT"]}
    for name, path in FIELDS.items():
        if value := request.GET.get(name):
            asked[path] = value
    if action := request.GET.get("action"):
        asked["actionType" if action in TYPES else "action"] = action
    words = request.GET.get("search", "").split()
    patterns = [{"$regex": re.escape(word), "$options": "i"} for word in words]
    if patterns:
        asked["$and"] = [{"$or": [{path: each} for path in SEARCHED]} for each in patterns]
    page = int(request.GET.get("page", "1"))
    sort = request.GET.get("sort", "")
    found = entries.find(asked).sort(*((sort, 1) if sort else ("timestamp", -1)))
    context = {
        "count": entries.count_documents(asked),
        "entries": list(found.skip((page - 1) * PAGE_SIZE).limit(PAGE_SIZE)),
        "page": page,
    }
    return HttpResponse(engines["django"].from_string(TEMPLATE).render(context, request))
