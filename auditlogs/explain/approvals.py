"""Approvals: whether what was done is what was approved."""

from collections.abc import Iterable

from auditlogs.entry.schema import Entry

# So many of the newest entries of one approval are compared.
MAX_COMPARED = 50
APPROVED = frozenset(("requested", "granted"))


def has_other_arguments(entry: Entry, related: Iterable[Entry]) -> bool:
    """Tell whether an entry has other arguments than those that its approval was for.

    `related` are entries with the same approval. Those after this entry do not count, so that an
    approval is not compared with what was done with it. The answer is no if none of the others says
    which arguments were approved.
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
