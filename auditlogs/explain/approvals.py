"""Approvals: whether what was done is what was approved."""

from collections.abc import Iterable

from auditlogs.entry.schema import Entry

# Of the entries of one approval so many are compared, the newest.
MAX_COMPARED = 50
APPROVED = frozenset(("requested", "granted"))


def has_other_arguments(entry: Entry, related: Iterable[Entry]) -> bool:
    """Tell whether an entry is of other arguments than the approval that it names was for.

    `related` are entries with the same approval, of which those that came later do not count: an
    approval is not measured by what was done with it. One of which no other entry says for which
    arguments it was is not compared.
    """
    own = entry.approval
    if own is None or own.arguments_hash is None or entry.result == "failure":
        return False
    approved = {
        each.approval.arguments_hash
        for each in related
        if each.approval
        and each.id != entry.id
        and each.instant <= entry.instant
        and each.approval.id == own.id
        and each.approval.outcome in APPROVED
        # Of the approval itself, not of a call that followed it.
        and each.action != entry.action
    } - {None}
    return bool(approved) and own.arguments_hash not in approved
