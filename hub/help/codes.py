"""Error codes of the Hub, and the table of all codes that its pages explain."""

from collections.abc import Mapping
from typing import Any

from auditlogs.explain.codes import LOG_CODES, MCP_CODES, PLATFORM_CODES, Code, code_of

# What `hub.access.self_audit` records about sign-in, sessions and pages.
HUB_CODES: dict[str, Code] = {
    "already-linked": Code(
        "The identity names a person who is linked to a different identity.",
        "Check who it is at the provider. manage.py sso NAME --unlink allows a new link.",
    ),
    "ambiguous-email": Code(
        "Several people here have the identity’s e-mail address.",
        "Set the address for the right one: manage.py sso NAME --email E.",
    ),
    "code-refused": Code(
        "The provider rejected the authorization code that it had issued.",
        "Try again. If it happens again, check OIDC_CLIENT_ID and OIDC_CLIENT_SECRET.",
    ),
    "cross-site": Code(
        "A page of another site requested data of the Hub, or an export, in its reader’s browser.",
        "Find out which site the reader was on. Links to pages of the Hub are never blocked.",
    ),
    "csrf": Code(
        "A form was not sent from a page of the Hub, or that page was too old.",
        "Reload the page and send the form again. If nobody sent one, find out who did.",
    ),
    "idle": Code(
        "A session ended because it had not been used for a while.",
        "Sign in again.",
    ),
    "inactive-person": Code(
        "The identity belongs to a person whose access was deactivated.",
        "Nothing to do, if that is intended.",
    ),
    "invalid-answer": Code(
        "The provider’s answer could not be used.",
        "Check the provider, and the process log at that time.",
    ),
    "invalid-credentials": Code(
        "The user name and password did not match.",
        "A few are mistyped. Investigate many from one address, or for one person.",
    ),
    "invalid-discovery": Code(
        "The provider’s metadata do not match OIDC_ISSUER.",
        "Check OIDC_ISSUER, and the provider’s openid-configuration.",
    ),
    "invalid-token": Code(
        "The ID token failed validation: signature, issuer, audience or nonce.",
        "Check the provider and its keys. If they are right, the token was forged.",
    ),
    "invitation-used": Code(
        "The identity’s e-mail address is the user name of someone who has signed in before.",
        "If it is the same person, an operator can confirm it: manage.py sso NAME --email E.",
    ),
    "locked-out": Code(
        "Sign-in was blocked for a while after too many failures.",
        "Wait until the time on the sign-in page. An admin can set a new password.",
    ),
    "permission-denied": Code(
        "A signed-in person was denied a page.",
        "Ask an admin of the account for the role that the page requires.",
    ),
    "provider-away": Code(
        "The provider of single sign-on did not answer in time.",
        "Try again. People without a linked identity can use their passwords meanwhile.",
    ),
    "provider-refused": Code(
        "The provider did not sign the person in, or they cancelled.",
        "Check the provider’s own log, if somebody asks.",
    ),
    "rate-limited": Code(
        "Single sign-on was tried too often from one address in too short a time.",
        "Wait as long as the sign-in page says.",
    ),
    "state": Code(
        "Someone came back from the provider without having started there, or too late.",
        "A single one is a slow sign-in. Many mean that somebody sends people such links.",
    ),
    "unknown-identity": Code(
        "No person has the identity that single sign-on sent.",
        "Add the person as a member, with their e-mail address as user name.",
    ),
    "unverified-email": Code(
        "The provider has not verified the e-mail address of an unlinked identity.",
        "Let the provider verify the address, or ask for one that is verified.",
    ),
}

KNOWN_CODES: dict[str, Code] = {
    **LOG_CODES,
    **HUB_CODES,
    **PLATFORM_CODES,
    **MCP_CODES,
}


def known_code(payload: Mapping[str, Any] | None) -> str | None:
    """Return the code of a payload if KNOWN_CODES explains it, else None."""
    code = code_of(payload)
    return code if code in KNOWN_CODES else None
