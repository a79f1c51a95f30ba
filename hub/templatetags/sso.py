"""What the sign-in page has of single sign-on."""

from typing import Any

from django import template
from django.conf import settings

from hub.sign_in.sso.refusals import SENTENCES

register = template.Library()


@register.inclusion_tag("hub/sign_in/_single_sign_on.html", takes_context=True)
def single_sign_on(context: template.Context) -> dict[str, Any]:
    """Show the way in and why it led nowhere last time, where single sign-on is set up."""
    request = context["request"]
    # The form is sent to the same address: by then something else was tried.
    reason = request.GET.get("sso", "") if request.method == "GET" else ""
    return {
        "is_offered": bool(settings.OIDC_ISSUER),
        "refusal": next((text for name, text in SENTENCES.items() if name == reason), ""),
        "next": context.get("next", ""),
    }
