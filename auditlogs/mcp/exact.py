"""The digits of the numbers in arguments, which the SDK parses as doubles.

Over HTTP the body of the request still has them. Over stdio the SDK keeps no text of a message.
"""

import json
from typing import Any

import anyio

from auditlogs.entry import numbers
from auditlogs.mcp.caller import RequestContext

# Arguments of a larger body have no room in an entry anyway.
MAX_BODY_BYTES = 1 << 20
# The SDK has read the body before, so it is there at once. A transport of another kind may not.
BODY_SECONDS = 0.1


async def body_of(ctx: RequestContext) -> bytes:
    """Return the body of the HTTP request, empty if there is none or it is too large."""
    if ctx.request is None:
        return b""
    body = b""
    with anyio.move_on_after(BODY_SECONDS):
        try:
            body = await ctx.request.body()
        except Exception:  # noqa: BLE001 - no call fails because its digits cannot be read
            return b""
    return body if len(body) <= MAX_BODY_BYTES else b""


def exact_arguments(arguments: Any, body: bytes) -> Any:
    """Return arguments with the numbers of the body of their request, a Decimal where a double has
    fewer digits. Where the body has other arguments, as another middleware may change them, they
    are returned as they are."""
    if not body:
        return arguments
    try:
        if json.loads(body)["params"]["arguments"] == arguments:
            return numbers.decode(body)["params"]["arguments"]
    except (ValueError, KeyError, TypeError, RecursionError):
        pass  # A batch, or `NaN`, which is no JSON.
    return arguments
