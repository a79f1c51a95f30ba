"""What the tests' provider says of its people."""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator

from tests.provider.site import PEOPLE


class Claims(OAuth2Validator):
    """Adds the claims of the scopes email and profile. A user name here is whatever its person
    likes, an address of somebody else's too."""

    oidc_claim_scope = None

    def get_additional_claims(self, request: Any) -> dict[str, Any]:
        """Return a person's claims."""
        email, is_verified = PEOPLE[request.user.username]
        return {"email": email, "email_verified": is_verified, "preferred_username": email}
