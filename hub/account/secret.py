"""Secrets that a change of the account creates, such as the text of a new key."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that the response to its form shows, and no page after it.

    `advice` says how to keep it; `example` is a shell command that uses it, or empty.
    """

    title: str
    label: str
    text: str
    advice: str
    example: str = ""
