"""What a page says of a change of what an account has: that it is refused, what it leads to before
it is confirmed, and what is shown of it once."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.http import HttpResponse
from django.shortcuts import render

from hub.access.visits import HubRequest


class Refused(Exception):
    """A change that cannot be made: why, in a sentence, and the field of the form that is to
    blame, if one is."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.field = field


@dataclass(frozen=True, slots=True)
class Step:
    """A step to be confirmed on a page of its own: what is asked, what follows from it, the button
    that takes it, and where those go who think better of it."""

    question: str
    consequences: tuple[str, ...]
    button: str
    back: str
    # Why it cannot be taken.
    refusal: str = ""
    is_dangerous: bool = True
    # What the form sends, beside the account.
    sent: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that is shown once, in the answer to the form that made it."""

    title: str
    label: str
    text: str
    advice: str
    # A call of the API that uses it.
    example: str = ""


def ask(request: HubRequest, step: Step, take: Callable[[], None]) -> HttpResponse | None:
    """Take a step that its form confirms. Return the page that asks, or that says why the step
    cannot be taken; None once it is taken."""
    if request.method == "POST" and not step.refusal:
        try:
            take()
        except Refused as refusal:
            step = replace(step, refusal=str(refusal))
        else:
            return None
    return render(request, "hub/ui/confirm.html", {"step": step})
