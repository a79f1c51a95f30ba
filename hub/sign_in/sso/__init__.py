"""Single sign-on by OpenID Connect: there only where `OIDC_ISSUER` is set."""
