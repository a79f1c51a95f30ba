"""The provider: what it says of itself, where it is asked, and whom it says is signing in.

Nothing is kept between two sign-ins. They are rare, and so whatever the provider changes, its keys
among it, holds at once.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import msgspec
from authlib.integrations.django_client import DjangoIntegration, DjangoOAuth2App, OAuthError
from django.conf import settings
from requests import RequestException
from requests.exceptions import InvalidJSONError

from hub.sign_in.sso.refusals import Refused
from hub.sign_in.sso.transport import Session, within_time
from hub.startup import environment

P = ParamSpec("P")
T = TypeVar("T")

SCOPE = "openid email profile"
# Signed with a key of which the provider alone has the private half, whatever it offers.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]


class Discovery(msgspec.Struct, frozen=True):
    """What is read of the provider's discovery document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)

    @property
    def is_trustworthy(self) -> bool:
        """Tell whether it is the issuer's own, and leads nowhere that could be listened to."""
        named = [self.authorization_endpoint, self.token_endpoint, self.jwks_uri]
        if self.userinfo_endpoint:
            named.append(self.userinfo_endpoint)
        is_safe = (
            environment.is_loopback
            if environment.is_loopback(self.issuer)
            else environment.is_https
        )
        return self.issuer == settings.OIDC_ISSUER and all(map(is_safe, named))


class Begun(msgspec.Struct, frozen=True):
    """A sign-in that was begun: where its person goes, and what their browser's session keeps."""

    url: str
    state: str
    nonce: str
    code_verifier: str


class Provider(DjangoOAuth2App):
    """The library's client, within bounds, and told all that it would otherwise find out."""

    client_cls = Session

    def __init__(self, known: Discovery) -> None:
        methods = known.token_endpoint_auth_methods_supported
        is_basic = "client_secret_basic" in methods or "client_secret_post" not in methods
        super().__init__(
            DjangoIntegration("sso"),
            client_id=settings.OIDC_CLIENT_ID,
            client_secret=settings.OIDC_CLIENT_SECRET,
            authorize_url=known.authorization_endpoint,
            access_token_url=known.token_endpoint,
            client_kwargs={
                "scope": SCOPE,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": f"client_secret_{'basic' if is_basic else 'post'}",
            },
            jwks_uri=known.jwks_uri,
            userinfo_endpoint=known.userinfo_endpoint,
            id_token_signing_alg_values_supported=ALGORITHMS,
        )


def _step(work: Callable[P, T]) -> Callable[P, T]:
    """Let a step end in time, and in nothing but its answer or Refused."""

    @functools.wraps(work)
    def answer(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return within_time(work, *args, **kwargs)
        except Refused:
            raise
        except OAuthError as error:
            raise Refused("refused", "code-refused") from error
        except InvalidJSONError as error:
            raise Refused("untrusted", "invalid-answer") from error
        except (RequestException, TimeoutError) as error:
            raise Refused("away", "provider-away") from error
        except Exception as error:  # a lie can break the library anywhere
            raise Refused("untrusted", "invalid-answer") from error

    return answer


@_step
def begin(callback: str) -> Begun:
    """Begin a sign-in that ends at the address `callback`. Raises Refused."""
    begun = Provider(_discover()).create_authorization_url(callback)
    return msgspec.convert(begun, Begun)


@_step
def claims_of(begun: Begun, callback: str, code: str) -> dict[str, Any]:
    """Return what the provider says of whoever brought a code, once all of it was checked:
    signature, issuer, audience, times and nonce. Raises Refused."""
    provider = Provider(_discover())
    token = provider.fetch_access_token(callback, code=code, code_verifier=begun.code_verifier)
    must = {
        "iss": {"essential": True, "value": settings.OIDC_ISSUER},
        "aud": {"essential": True, "value": settings.OIDC_CLIENT_ID},
        "nonce": {"essential": True, "value": begun.nonce},
    }
    try:
        claims = provider.parse_id_token(token, begun.nonce, claims_options=must)
    except RequestException:
        raise
    except Exception as error:
        raise Refused("untrusted", "invalid-token") from error
    if not claims:
        raise Refused("untrusted", "invalid-token")
    if "email" in claims or not provider.server_metadata["userinfo_endpoint"]:
        return dict(claims)
    more = provider.userinfo(token=token)
    if more.get("sub") != claims["sub"]:
        raise Refused("untrusted", "invalid-answer")
    # Both from one source: what is verified is that address.
    return {**claims, **{name: more.get(name) for name in ("email", "email_verified")}}


def _discover() -> Discovery:
    """Return what the provider says of itself. Raises Refused for what cannot be trusted."""
    url = f"{settings.OIDC_ISSUER.removesuffix('/')}/.well-known/openid-configuration"
    with Session() as session:
        response = session.get(url, withhold_token=True)
    response.raise_for_status()
    known = msgspec.json.decode(response.content, type=Discovery)
    if not known.is_trustworthy:
        raise Refused("untrusted", "invalid-discovery")
    return known
