"""The summary of an entry: one sentence that says why it failed, or else what was done.

It is made of the entry's own values, which are redacted by then. Every known action has a rule in
`RULES`; an unknown one gets what its payload has in common with those.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from auditlogs.entry import numbers
from auditlogs.entry.actions import KNOWN_ACTIONS
from auditlogs.entry.schema import NewEntry, Target

Payload = Mapping[str, Any]
Rule = Callable[[NewEntry, Payload], str]

DOT = " · "
# Of a list of changes, arguments or values, and the characters of each.
MAX_ITEMS = 3
VALUE_LENGTH = 60
# A number with more, written out, is shortened.
MAX_DIGITS = 40
# The arguments of a call that tell most, in this order; where it has none of them, its first ones.
QUANTITIES = ("amount", "quantity")
TELLING = ("side", *QUANTITIES, "pair", "symbol", "market", "mint", "token", "query")


def sentence_of(entry: NewEntry) -> str:
    """Return the sentence, of any length; empty where the entry says nothing worth one."""
    payload = entry.payload or {}
    if entry.result != "success" and (reason := reason_of(entry, payload)):
        return reason
    rule = RULES.get(entry.action, _anything)
    done = rule(entry, payload)
    if entry.result != "success":
        done = _joined(done, _value(payload.get("code") or payload.get("status")))
    if not done and (known := KNOWN_ACTIONS.get(entry.action)):
        return known.sentence
    return done


def reason_of(entry: NewEntry, payload: Payload) -> str:
    """Return why an entry failed: its error, its reason, the text of an MCP answer, or what the
    decision says."""
    for name in ("error", "reason"):
        if text := _message(payload.get(name)):
            return text
    result = payload.get("result")
    for answer in (payload, result if isinstance(result, Mapping) else {}):
        if text := _answer(answer):
            return text
    decision = entry.decision
    return (decision.reason or "") if decision and decision.outcome != "allowed" else ""


def _message(value: Any) -> str:
    """Return the text of an error: a text, or the message in an object."""
    if isinstance(value, Mapping):
        value = value.get("message") or value.get("error")
    return value if isinstance(value, str) and value.strip() else ""


def _answer(answer: Payload) -> str:
    """Return the text of an MCP answer, its embedded resources' or its structured content's."""
    parts = [part for part in _list(answer.get("content")) if isinstance(part, Mapping)]
    embedded = [part["resource"] for part in parts if isinstance(part.get("resource"), Mapping)]
    for some in (parts, embedded):
        texts = [part["text"] for part in some if _message(part.get("text"))]
        if texts:
            return " ".join(texts)
    structured = answer.get("structuredContent")
    if not isinstance(structured, Mapping):
        return _message(answer.get("error"))
    if text := next((_message(structured.get(n)) for n in ("error", "message", "reason")), ""):
        return text
    return numbers.encode(structured).decode() if structured else ""


def _order(entry: NewEntry, payload: Payload) -> str:
    side, pair = _value(payload.get("side")), _value(payload.get("pair"))
    words = [side[:1].upper() + side[1:], _quantity(payload.get("amount")), pair]
    what = " ".join(filter(None, words))
    if what and (price := _quantity(payload.get("price"))):
        what = f"{what} at {price}"
    what = what or _value(payload.get("orderId")) or _name(entry.target)
    return _joined(what, _value(payload.get("provider")), _message(payload.get("reason")))


def _call(entry: NewEntry, payload: Payload) -> str:
    return _named_call(entry, payload, "tool")


def _prompt(entry: NewEntry, payload: Payload) -> str:
    return _named_call(entry, payload, "prompt")


def _named_call(entry: NewEntry, payload: Payload, kind: str) -> str:
    name = _value(payload.get(kind)) or _name(entry.target)
    arguments = payload.get("arguments")
    if not name or not isinstance(arguments, Mapping):
        return name
    telling = [key for key in TELLING if _value(arguments.get(key))]
    keys = telling or [key for key in arguments if _value(arguments[key])]
    values = (
        (_quantity if key in QUANTITIES else _value)(arguments[key]) for key in keys[:MAX_ITEMS]
    )
    return " ".join([name, *values])


def _resource(entry: NewEntry, payload: Payload) -> str:
    return _value(payload.get("resource")) or _name(entry.target)


def _task(entry: NewEntry, payload: Payload) -> str:
    tool, task = _value(payload.get("tool")), _value(payload.get("taskId")) or _name(entry.target)
    return _joined(tool or task, _message(payload.get("reason")))


def _elicitation(entry: NewEntry, payload: Payload) -> str:
    tool = _value(payload.get("tool")) or _name(entry.target)
    return _joined(tool, _message(payload.get("message")), _message(payload.get("reason")))


def _configured(entry: NewEntry, payload: Payload) -> str:
    changes = _list(payload.get("changes"))
    some = [each for each in map(_change, changes[:MAX_ITEMS]) if each]
    if len(changes) > MAX_ITEMS:
        some.append(f"{len(changes) - MAX_ITEMS} more")
    return ", ".join(some) or _name(entry.target)


def _change(change: Any) -> str:
    if not isinstance(change, Mapping) or not (field := _value(change.get("field"))):
        return ""
    before, after = (_state(change.get(name)) for name in ("from", "to"))
    return f"{field} {before} → {after}"


def _state(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = (f"{key} {_value(item)}" for key, item in value.items() if _value(item))
        return _few(inner)
    if isinstance(value, bool):
        return "on" if value else "off"
    return _value(value) or "none"


def _key(entry: NewEntry, payload: Payload) -> str:
    name = _value(payload.get("keyName")) or _name(entry.target)
    changes = _configured(entry, payload) if payload.get("changes") else ""
    return _joined(name, changes or _value(payload.get("scopes")))


def _authentication(entry: NewEntry, payload: Payload) -> str:
    changes = _configured(entry, payload) if payload.get("changes") else ""
    method = _value(payload.get("method")).replace("_", " ")
    return _joined(method, _value(payload.get("keyName")), changes, _value(payload.get("code")))


def _view(entry: NewEntry, payload: Payload) -> str:
    changes = _configured(entry, payload) if payload.get("changes") else ""
    return _joined(_name(entry.target), changes)


def _letter(entry: NewEntry, payload: Payload) -> str:
    about = payload.get("entry")
    action = _value(about.get("action")) if isinstance(about, Mapping) else ""
    return _joined(action or _name(entry.target), _message(payload.get("reason")))


def _exported(entry: NewEntry, payload: Payload) -> str:
    count = payload.get("count")
    if not isinstance(count, int):
        return _configured(entry, payload)
    return _joined(_value(payload.get("day")), _value(payload.get("format")), f"{count:,} entries")


def _provider(entry: NewEntry, payload: Payload) -> str:
    provider = _value(payload.get("provider")) or _name(entry.target)
    failures, threshold = (_value(payload.get(name)) for name in ("failures", "threshold"))
    counted = f"{failures} of {threshold} failures" if failures and threshold else ""
    until = _value(payload.get("until"))
    return _joined(provider, counted, until and f"until {until}")


def _limited(entry: NewEntry, payload: Payload) -> str:
    limit, window = _quantity(payload.get("limit")), _value(payload.get("window"))
    rate = f"{limit} in {window}" if limit and window else limit
    return _joined(rate, _value(payload.get("provider")) or _name(entry.target))


def _target(entry: NewEntry, payload: Payload) -> str:
    return _joined(_name(entry.target), _message(payload.get("reason")))


def _retention(entry: NewEntry, payload: Payload) -> str:
    return _configured(entry, payload) if payload.get("changes") else _limited(entry, payload)


def _anything(entry: NewEntry, payload: Payload) -> str:
    """Return what the payload of an unknown action has in common with those of known ones."""
    if payload.get("changes"):
        return _configured(entry, payload)
    if payload.get("pair") or payload.get("orderId"):
        return _order(entry, payload)
    if payload.get("tool"):
        return _call(entry, payload)
    return _joined(_message(payload.get("reason")) or _message(payload.get("message")))


RULES: dict[str, Rule] = {
    "auth.signed_in": _authentication,
    "auth.sign_in_failed": _authentication,
    "auth.locked_out": _authentication,
    "auth.password.changed": _authentication,
    "auth.signed_out": _authentication,
    "auth.token.refreshed": _authentication,
    "auth.token.created": _key,
    "auth.token.revoked": _key,
    "auth.step_up.challenged": _authentication,
    "auth.step_up.completed": _authentication,
    "auth.identity.updated": _authentication,
    "session.created": _authentication,
    "access.denied": _authentication,
    "order.created": _order,
    "order.approved": _order,
    "order.rejected": _order,
    "order.cancelled": _order,
    "order.filled": _order,
    "bot.created": _target,
    "bot.config.updated": _configured,
    "api_key.created": _key,
    "api_key.rotated": _key,
    "api_key.revoked": _key,
    "api_key.exposed": _key,
    "api_key.scopes.updated": _key,
    "account.switched": _configured,
    "member.added": _configured,
    "member.removed": _configured,
    "member.role.updated": _configured,
    "member.reset": _target,
    "account.renamed": _configured,
    "saved_view.created": _view,
    "saved_view.updated": _view,
    "saved_view.deleted": _view,
    "dead_letter.resent": _letter,
    "dead_letter.dropped": _letter,
    "logs.exported": _exported,
    "mcp.tool.call": _call,
    "mcp.resource.read": _resource,
    "mcp.prompt.get": _prompt,
    "mcp.task.created": _task,
    "mcp.task.ended": _task,
    "mcp.elicitation.requested": _elicitation,
    "mcp.elicitation.accepted": _elicitation,
    "mcp.elicitation.declined": _elicitation,
    "mcp.elicitation.cancelled": _elicitation,
    "kill_switch.activated": _target,
    "kill_switch.released": _target,
    "circuit_breaker.opened": _provider,
    "circuit_breaker.half_opened": _provider,
    "circuit_breaker.closed": _provider,
    "rate_limit.hit": _limited,
    "retention.changed": _retention,
}


def _joined(*parts: str) -> str:
    return DOT.join(filter(None, parts))


def _few(values: Iterable[str]) -> str:
    return ", ".join([value for value in values if value][:MAX_ITEMS])


def _name(target: Target | None) -> str:
    return (target.name or target.id) if target else ""


def _value(value: Any) -> str:
    """Return a value in a few characters; empty for an object, nothing, true and false."""
    if isinstance(value, str):
        text = " ".join(value.split())
        return text if len(text) <= VALUE_LENGTH else f"{text[: VALUE_LENGTH - 1]}…"
    if isinstance(value, list | tuple):
        return _few(map(_value, value))
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return ""
    exact = Decimal(str(value))
    # A float does not say whether there were decimals.
    is_whole = isinstance(value, float) and exact == exact.to_integral_value()
    return _digits(exact.to_integral_value() if is_whole else exact, "f")


def _quantity(value: Any) -> str:
    """Return an amount or a price with its digits in groups of three; a text may be a number too,
    which it is not taken for elsewhere: an id may look like one."""
    text = _value(value)
    try:
        return _digits(Decimal(text), ",f") if text else ""
    except ArithmeticError:
        return text


def _digits(number: Decimal, form: str) -> str:
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or len(digits) + abs(exponent) > MAX_DIGITS:
        return f"{number:.10g}"
    return format(number, form)


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else []
