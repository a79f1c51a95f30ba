"""Export: all entries of a list at once, as a file that ends with a manifest."""

from django.http import HttpRequest, HttpResponseBase

from auditlogs.accounts.self_audit import caller_of_key
from auditlogs.api import problems, self_audit
from auditlogs.api.views import endpoint
from auditlogs.entry.times import now
from auditlogs.export.formats import FORMATS
from auditlogs.export.response import FORMAT, facts_of, format_of, head, respond
from auditlogs.export.running import AlreadyExporting, Exporter, TooManyExports
from auditlogs.export.stream import Stream
from auditlogs.models import ApiKey
from auditlogs.query.filters import parse


def export_entries(request: HttpRequest, key: ApiKey) -> HttpResponseBase:
    """Answer with every entry of a list, in one of FORMATS."""
    name, fault = format_of(request.GET)
    query = parse(
        request.GET,
        account=key.account_id,
        bot=key.bot,
        default_range="all",
        now=now(),
        paging=(),
        ignored=(FORMAT,),
    )
    errors = {**query.errors, **({FORMAT: fault} if fault else {})}
    if errors:
        return problems.bad_parameters(errors, query.unknown)
    file_format = FORMATS[name]
    if request.method == "HEAD":
        return head(file_format)
    self_audit.note_other_bot(request, key, query.entries.wanted("botId"))
    exporter = Exporter.of_key(caller_of_key(request, key), key)
    try:
        stream = Stream.begin(query.entries, file_format, exporter, facts_of(name, query))
    except AlreadyExporting:
        return problems.export_running()
    except TooManyExports:
        return problems.rate_limited("Too many exports are running.", 10)
    return respond(request, stream, file_format)


export = endpoint({"GET": ("logs:export", export_entries)})
