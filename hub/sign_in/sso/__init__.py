"""Single sign-on by OpenID Connect. Imported only where `OIDC_ISSUER` is set."""
