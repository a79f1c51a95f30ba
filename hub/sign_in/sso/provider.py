"""The OpenID provider: discovery, the authorization request, and the claims of a sign-in.

Nothing is cached between sign-ins. They are rare, and this way a change at the provider, such as a
new signing key, takes effect at once.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import msgspec
from authlib.integrations.django_client import DjangoIntegration, DjangoOAuth2App, OAuthError
from django.conf import settings
from requests import RequestException
from requests.exceptions import InvalidJSONError

from hub.sign_in.sso.refusals import SignInRefused
from hub.sign_in.sso.transport import Session, within_time
from hub.startup import validators

P = ParamSpec("P")
T = TypeVar("T")

SCOPE = "openid email profile"
# Asymmetric only, whatever the provider offers: with HS256 anybody who knows the client secret
# could sign tokens, and "none" needs no key at all.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]


class Discovery(msgspec.Struct, frozen=True):
    """The fields of the provider's discovery document that the Hub uses."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)

    @property
    def is_trustworthy(self) -> bool:
        """Tell whether it names the configured issuer, and only endpoints with transport security.

        A provider on the loopback interface may use http on that interface.
        """
        endpoints = [self.authorization_endpoint, self.token_endpoint, self.jwks_uri]
        if self.userinfo_endpoint:
            endpoints.append(self.userinfo_endpoint)
        is_local = validators.is_loopback(self.issuer)
        is_safe = validators.is_loopback if is_local else validators.is_https
        return self.issuer == settings.OIDC_ISSUER and all(map(is_safe, endpoints))


class AuthorizationRequest(msgspec.Struct, frozen=True):
    """An authorization request: the URL for the browser, and what its session has to keep."""

    url: str
    state: str
    nonce: str
    code_verifier: str


class Provider(DjangoOAuth2App):
    """Authlib's client, with bounded requests and the metadata it would otherwise fetch itself."""

    client_cls = Session

    def __init__(self, discovery: Discovery) -> None:
        methods = discovery.token_endpoint_auth_methods_supported
        is_basic = "client_secret_basic" in methods or "client_secret_post" not in methods
        super().__init__(
            DjangoIntegration("sso"),
            client_id=settings.OIDC_CLIENT_ID,
            client_secret=settings.OIDC_CLIENT_SECRET,
            authorize_url=discovery.authorization_endpoint,
            access_token_url=discovery.token_endpoint,
            client_kwargs={
                "scope": SCOPE,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": f"client_secret_{'basic' if is_basic else 'post'}",
            },
            jwks_uri=discovery.jwks_uri,
            userinfo_endpoint=discovery.userinfo_endpoint,
            id_token_signing_alg_values_supported=ALGORITHMS,
        )


def _bounded(work: Callable[P, T]) -> Callable[P, T]:
    """Limit a function to STEP_SECONDS, and turn whatever it raises into SignInRefused."""

    @functools.wraps(work)
    def answer(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return within_time(work, *args, **kwargs)
        except SignInRefused:
            raise
        except OAuthError as error:
            raise SignInRefused("refused", "code-refused") from error
        except InvalidJSONError as error:
            raise SignInRefused("untrusted", "invalid-answer") from error
        except (RequestException, TimeoutError) as error:
            raise SignInRefused("away", "provider-away") from error
        except Exception as error:  # a malformed response can break the library anywhere
            raise SignInRefused("untrusted", "invalid-answer") from error

    return answer


@_bounded
def authorization_request(callback: str) -> AuthorizationRequest:
    """Return an authorization request that returns to the URL `callback`. Raises SignInRefused."""
    request = Provider(_discover()).create_authorization_url(callback)
    return msgspec.convert(request, AuthorizationRequest)


@_bounded
def claims_of(request: AuthorizationRequest, callback: str, code: str) -> dict[str, Any]:
    """Exchange an authorization code and return the claims of the validated ID token.

    Checks signature, issuer, audience, times and nonce (OpenID Connect Core, section 3.1.3.7).
    Raises SignInRefused.
    """
    provider = Provider(_discover())
    token = provider.fetch_access_token(callback, code=code, code_verifier=request.code_verifier)
    required = {
        "iss": {"essential": True, "value": settings.OIDC_ISSUER},
        "aud": {"essential": True, "value": settings.OIDC_CLIENT_ID},
        "nonce": {"essential": True, "value": request.nonce},
    }
    try:
        claims = provider.parse_id_token(token, request.nonce, claims_options=required)
    except RequestException:
        raise
    except Exception as error:
        raise SignInRefused("untrusted", "invalid-token") from error
    if not claims:
        raise SignInRefused("untrusted", "invalid-token")
    if "email" in claims or not provider.server_metadata["userinfo_endpoint"]:
        return dict(claims)
    userinfo = provider.userinfo(token=token)
    # Required by OpenID Connect Core, section 5.3.2, against swapped tokens.
    if userinfo.get("sub") != claims["sub"]:
        raise SignInRefused("untrusted", "invalid-answer")
    # Both from the same response: `email_verified` is about the address beside it.
    return {**claims, **{name: userinfo.get(name) for name in ("email", "email_verified")}}


def _discover() -> Discovery:
    """Fetch the discovery document. Raises SignInRefused for one that cannot be trusted."""
    url = f"{settings.OIDC_ISSUER.removesuffix('/')}/.well-known/openid-configuration"
    with Session() as session:
        response = session.get(url, withhold_token=True)
    response.raise_for_status()
    discovery = msgspec.json.decode(response.content, type=Discovery)
    if not discovery.is_trustworthy:
        raise SignInRefused("untrusted", "invalid-discovery")
    return discovery
