"""Vendors' formats of secrets: one row for each. This docstring is all you need to add one.

A row has the vendor, the format of its secret, and a similar text that is no secret. In a
format `<base62:36>` is 36 characters of a class, `<base62:20+>` 20 or more, `<base62:20-40>` from
20 to 40; `(a|b)` is one of several; everything else is itself. A secret begins where a word does.
The tests make an example of every format, and look for it, for the look-alike, and for both in a
sentence.
"""

import re
from typing import NamedTuple

CLASSES = {
    "digit": "0-9",
    "hex": "0-9a-f",
    "HEX": "0-9A-F",
    "hEx": "0-9a-fA-F",
    "lower": "0-9a-z",
    "upper": "0-9A-Z",
    "base32": "A-Z2-7",
    "bech32": "02-9ac-hj-np-z",
    "BECH32": "02-9AC-HJ-NP-Z",
    "base58": "1-9A-HJ-NP-Za-km-z",
    "base62": "0-9A-Za-z",
    "word": "0-9A-Za-z_",
    "url": "0-9A-Za-z_-",
    "base64": "0-9A-Za-z+/=",
    "azure": "0-9A-Za-z_.~-",
    "path": "0-9A-Za-z_./+-",
    "link": "0-9A-Za-z_./+@-",
}


class Format(NamedTuple):
    """The format of a vendor's secrets, and a similar text that is no secret."""

    vendor: str
    format: str
    lookalike: str


KEYS = (
    # This log
    Format("audit log", "aud(|s|a)_<base62:36>", "aud_entries_per_second"),
    # Models and agents
    Format("OpenAI", "sk-<url:20+>", "sk-learn pipeline"),
    Format("OpenAI session", "sess-<url:20+>", "sess-1"),
    Format("OpenAI ephemeral", "ek-<url:20+>", "ek-2"),
    Format("Anthropic", "sk-ant-(api03|admin01|oat01)-<url:40+>", "sk-ant-api03"),
    Format("publishable", "pk-<url:20+>", "pk-1"),
    Format("restricted", "rk-<url:20+>", "rk-1"),
    Format("Groq", "gsk_<base62:40+>", "gsk_model"),
    Format("xAI", "xai-<base62:40+>", "xai-grok-4"),
    Format("Perplexity", "pplx-<base62:40+>", "pplx-online"),
    Format("NVIDIA", "nvapi-<url:40+>", "nvapi-docs"),
    Format("Replicate", "r8_<base62:30+>", "r8_version"),
    Format("Hugging Face", "(hf|api_org)_<base62:30+>", "hf_hub_download"),
    Format("Tavily", "tvly-(|dev-|prod-)<url:20+>", "tvly-dev-key"),
    Format("E2B", "(e2b|sk_e2b)_<hex:40>", "e2b_sandbox"),
    Format("Pinecone", "pcsk_<base62:4-8>_<base62:40+>", "pcsk_name"),
    Format("Langfuse", "(sk|pk)-lf-<hex:8>-<hex:4>-<hex:4>-<hex:4>-<hex:12>", "sk-lf-key"),
    Format("LangSmith", "lsv2_(pt|sk)_<hex:32>_<hex:10>", "lsv2_pt_name"),
    Format("Helicone", "(sk|pk)-helicone-<lower:7>-<lower:7>-<lower:7>-<lower:7>", "sk-helicone"),
    Format("Fireworks", "fw_<base62:22-40>", "fw_version"),
    Format("Together", "tgp_v1_<url:40+>", "tgp_v1"),
    Format("Jina", "jina_<hex:32><url:20+>", "jina_reader"),
    Format("Exa, Firecrawl", "fc-<hex:32>", "fc-1"),
    Format("ElevenLabs", "sk_<hex:48>", "sk_live"),
    Format("Voyage", "pa-<url:40+>", "pa-5"),
    Format("Browserbase", "bb_live_<url:25+>", "bb_live"),
    Format("Composio", "(ak|comp)_<base62:20>", "ak_1"),
    Format("Smithery", "sm_(aat|pat|sat)_<base62:16+>", "sm_pat"),
    Format("Adafruit", "aio_<base62:28>", "aio_feed"),
    Format("Anyscale", "esecret_<lower:20+>", "esecret_name"),
    Format("Brave", "BSA<url:27-28>", "BSA-1"),
    Format("Cerebras", "csk-<lower:40+>", "csk-1"),
    Format("Codex", "rt_<url:60+>", "rt_queue"),
    Format("Cursor", "(crsr|key)_<hex:64>", "key_1"),
    Format("Gemini", "AQ.Ab8<url:40+>", "AQ.Ab8"),
    Format("LlamaCloud", "llx-<base62:40+>", "llx-1"),
    Format("Mem0", "m0-<base62:40>", "m0-1"),
    Format("Modal", "as-<base62:22>", "as-is"),
    Format("n8n", "n8n_api_<hex:40+>", "n8n_api_url"),
    Format("RunPod", "rpa_<upper:40+>", "rpa_bot"),
    Format("Weights & Biases", "wandb_v1_<word:40+>", "wandb_v1_run"),
    # Market data
    Format("CoinGecko", "CG-<base62:24>", "CG-1"),
    Format("Databento", "db-<base62:29>", "db-1"),
    Format("Tardis", "TD.<url:16>.<url:14+>", "TD.name"),
    # Clouds
    Format("Alibaba", "LTAI<base62:16-24>", "LTAI_docs"),
    Format("Azure AD", "<azure:3><digit:1>Q~<azure:31-34>", "Q1Q~"),
    Format("Bedrock", "ABSK<base64:100+>", "ABSK"),
    Format("Bedrock, short", "bedrock-api-key-<base64:40+>", "bedrock-api-key-name"),
    Format("Cloudflare", "v1.0-<hex:24>-<hex:146>", "v1.0-beta"),
    Format("Databricks", "dapi<hex:32>", "dapi-docs"),
    Format("DigitalOcean", "do(o|p|r)_v1_<hex:64>", "dop_v1"),
    Format("Fly.io", "(fo1|fm1a|fm1r|fm2)_<base64:40+>", "fm2_region"),
    Format("Fly.io, url", "fo1_<url:43>", "fo1_region"),
    Format("Google", "AIza<url:35>", "AIzaName"),
    Format("Google client", "GOCSPX-<url:28>", "GOCSPX-name"),
    Format("Google access", "ya29.<url:20+>", "ya29.v"),
    Format("Google refresh", "1//0<url:30+>", "1//0"),
    Format("Heroku", "HRKU-<url:36+>", "HRKU-app"),
    Format("IBM", "p8e-<lower:32>", "p8e-1"),
    Format("Netlify", "nf(p|c|o|u|b)_<base62:36+>", "nfp_site"),
    Format("Render", "rnd_<base62:28+>", "rnd_seed"),
    Format("Yandex", "AQVN<url:35-40>", "AQVN_zone"),
    Format("Yandex IAM", "t1.<url:20+>.<url:80+>", "t1.micro"),
    Format("Supabase", "sb(p|_secret)_<word:20+>", "sbp_id"),
    Format("Tencent", "AKID<base62:32>", "AKID"),
    Format("Vercel", "(vcp|vci|vca|vcr|vck)_<base62:24+>", "vcp_team"),
    Format("Aiven", "AVNS_<url:19>", "AVNS_host"),
    Format("Cloudflare, new", "cf(ut|at|k)_<base62:40+>", "cfk_zone"),
    Format("ngrok", "<base62:27>_<base62:21>", "2aB_1"),
    # Code, builds and packages
    Format("Artifactory", "AKCp<base62:69>", "AKCp"),
    Format("Artifactory reference", "cmVmd<base62:59>", "cmVmd"),
    Format("Atlassian", "ATATT3<url:60+>", "ATATT3"),
    Format("Bitbucket", "AT(BB|CTT3)<url:24+>", "ATBB-1"),
    Format("Buildkite", "bk(ua|ct|aj)_<base62:40+>", "bkua_org"),
    Format("CircleCI", "CCIP(AT|RJ)_<base62:20+>_<hex:40>", "CCIPAT_id"),
    Format("Clojars", "CLOJARS_<lower:60>", "CLOJARS_USERNAME"),
    Format("Codecov, Contentful", "CFPAT-<url:43>", "CFPAT-1"),
    Format("crates.io", "cio<base62:32>", "cio"),
    Format("Docker", "dckr_(pat|oat)_<url:20+>", "dckr_pat"),
    Format("GitHub", "gh(p|o|u|s|r)_<base62:30+>", "ghp_prefix"),
    Format("GitHub fine-grained", "github_pat_<word:40+>", "github_pat_name"),
    Format("GitLab routable", "gl(pat|rt)-<url:27+>.<lower:2>.<lower:9>", "glpat-a.01.b"),
    Format(
        "GitLab",
        "gl(pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat|ffct|wt)-<url:20+>",
        "glpat-1",
    ),
    Format("GitLab runner", "GR1348941<url:20>", "GR1348941"),
    Format("Harness", "(pat|sat).<url:22>.<base62:24>.<base62:20>", "pat.name"),
    Format("Linear", "lin_(api|oauth)_<base62:32+>", "lin_api_url"),
    Format("npm", "npms(|_)<base62:36>", "npms_io"),
    Format("npm", "npm_<base62:36>", "npm_config_user_agent"),
    Format("NuGet", "oy2<lower:43>", "oy2"),
    Format("Octopus", "API-<upper:26>", "API-KEY"),
    Format("Prefect", "pn(u|b)_<base62:36>", "pnu_1"),
    Format("Pulumi", "pul-<hex:40>", "pul-1"),
    Format("PyPI", "pypi-<url:50+>", "pypi-mirror"),
    Format("RubyGems", "rubygems_<hex:48>", "rubygems_version"),
    Format("Snyk, SonarQube", "sq(u|p|a|b)_<hex:40>", "sqp_key"),
    Format("Sourcegraph", "sgp_<word:40+>", "sgp_local"),
    Format("Terraform", "<base62:14>.atlasv1.<path:60+>", "atlasv1.io"),
    Format("Azure DevOps", "<base62:76>AZDO<base62:4>", "AZDO"),
    Format("Checkly", "cu_<hex:32>", "cu_1"),
    Format("Dependency-Track", "odt_<base62:32+>", "odt_file"),
    Format("incident.io, Rootly", "(inc|rootly)_<hex:64>", "inc_1"),
    Format("LaunchDarkly", "sdk-<hex:8>-<hex:4>-<hex:4>-<hex:4>-<hex:12>", "sdk-1"),
    Format("ReadMe", "rdme_<lower:70+>", "rdme_id"),
    Format("Sourcegraph licence", "slk_<hex:64>", "slk_1"),
    Format("Unkey", "unkey_<base62:20+>", "unkey_api"),
    # Identity and secrets
    Format("1Password", "ops_eyJ<base64:200+>", "ops_team"),
    Format(
        "1Password account",
        "A3-<upper:6>-<upper:6>-<upper:5>-<upper:5>-<upper:5>-<upper:5>",
        "A3-1",
    ),
    Format("age", "AGE-SECRET-KEY-1<upper:50+>", "AGE-SECRET-KEY-1"),
    Format("Doppler", "dp.(pt|st|ct|sa|scim|audit).<base62:40+>", "dp.st.config"),
    Format("Infisical", "st.<hex:24>.<hex:32>.<hex:32>", "st.dev.a"),
    Format("OpenShift", "sha256~<url:43>", "sha256~short"),
    Format("Okta", "SSWS 00<url:40>", "SSWS 00"),
    Format("Tailscale", "tskey-(auth|api|client|scim|webhook)-<url:20+>", "tskey-auth-id"),
    Format("Teleport, Vault", "hv(s|b|r).<url:20+>", "hvs.io"),
    Format("Vault, old", "s.<base62:24>", "s.example"),
    Format("Vault unseal", "hvk.<url:20+>", "hvk.io"),
    Format(
        "Authress",
        "(sc|ext|scauth|authress)_<lower:5-30>.<lower:4-6>.acc(-|_)<url:10-32>.<url:30+>",
        "ext_a.b",
    ),
    Format("Doppler configuration", "dp.st.<url:2-35>.<base62:40+>", "dp.st.dev.yaml"),
    Format("Google code", "4/0A<url:40+>", "4/0A"),
    Format("NATS", "S(A|C|N|O|U|X)<base32:56>", "SUASDT"),
    # Messages and mail
    Format("Discord", "(M|N|O)<url:23-27>.<url:6>.<url:27-40>", "Module.name.value"),
    Format("Discord MFA", "mfa.<url:84>", "mfa.enabled"),
    Format("Facebook", "EAA<base62:60+>", "EAA"),
    Format("Mailchimp", "<hex:32>-us<digit:1-2>", "0123abcd-us1"),
    Format("Mailgun", "key-<hex:32>", "key-1"),
    Format("Resend", "re_<base62:8>_<base62:20+>", "re_compile"),
    Format("SendGrid", "SG.<url:16+>.<url:16+>", "SG.region"),
    Format("Brevo", "x(keysib|smtpsib)-<hex:64>-<base62:16>", "xkeysib-1"),
    Format("Slack", "(|xoxe.)xox(a|b|c|d|e|o|p|r|s)-<url:16+>", "xoxb-1"),
    Format("Slack app", "xapp-<digit:1>-<url:16+>", "xapp-1"),
    Format("Telegram", "(bot|)<digit:7-11>:A<url:33-35>", "1234567890:short"),
    Format("Twilio", "SK<hex:32>", "SK001"),
    Format("Zapier, Courier", "pk_(prod|test)_<upper:28>", "pk_prod"),
    Format("HubSpot", "pat-(na1|na2|eu1|ap1)-<hex:8>-<hex:4>-<hex:4>-<hex:4>-<hex:12>", "pat-na1"),
    Format("Mattermost", "hooks/<lower:26>", "hooks/useorderbooksubscriptions"),
    Format("ntfy", "tk_<lower:29>", "tk_1"),
    Format("Svix", "(sk|testsk)_<url:30-40>.(us|eu|in|ca|au)", "sk_1.us"),
    Format("Telnyx", "KEY<base62:32+>_<base62:22>", "KEY_1"),
    Format("Voiceflow", "VF.(DM|WS).<hex:24>.<base62:16>", "VF.DM.id"),
    # Data
    Format("Airtable", "pat<base62:14>.<hex:64>", "pattern.match"),
    Format("ClickHouse", "4b1d<base62:38>", "4b1d"),
    Format("Cloudinary", "cloudinary://<digit:10+>:<url:20+>", "cloudinary://demo"),
    Format("Datadog", "dd(ak|app|pat)_<base62:30+>", "ddapp_id"),
    Format("Dynatrace", "dt0(c01|s01|s16).<upper:24>.<upper:64>", "dt0c01.id"),
    Format("Figma", "fig(d|o|u|or)_<url:30+>", "figd_file"),
    Format("Grafana", "gl(sa|c)_<base64:30+>", "glsa_name"),
    Format("Grafana service", "glsa_<base62:32>_<hEx:8>", "glsa_id"),
    Format("MongoDB", "mdb_sa_(sk|id)_<url:24+>", "mdb_sa_sk"),
    Format("Neon", "napi_<lower:60+>", "napi_key"),
    Format("New Relic", "NR(AK|JS|II|BR|RA)-<base62:18+>", "NRAK-1"),
    Format("Notion", "(secret|ntn)_<base62:40+>", "secret_name"),
    Format("PlanetScale", "pscale_(tkn|pw|oauth)_<path:30+>", "pscale_org"),
    Format("PostHog", "ph(x|s)_<url:40+>", "phx_region"),
    Format("Postman", "PMAK-<hex:24>-<hex:34>", "PMAK-1"),
    Format("Sentry", "sntry(s|u)_<base64:40+>", "sntrys_org"),
    Format("42", "s-s4t2(ud|af)-<hex:64>", "s-s4t2ud"),
    Format("Dropbox", "sl.(B|u.)<url:100+>", "sl.usdc"),
    Format("Frame.io", "fio-u-<url:60+>", "fio-u-1"),
    Format("Mapbox", "sk.eyJ1<base62:20+>.<url:20+>", "sk.eyJ1"),
    Format("MaxMind", "<base62:6>_<base62:29>_mmk", "geo_mmk"),
    Format("Salesforce", "00D<base62:12-15>!<path:40+>", "00D!"),
    Format("Typeform", "tfp_<url:40+>", "tfp_form"),
    Format("Ubidots", "BB(FF|US)-<base62:30>", "BBFF-1"),
    Format("Zoho", "1000.<hex:32>.<hex:32>", "1000.5"),
    # Money
    Format("Duffel", "duffel_(live|test)_<url:40+>", "duffel_live"),
    Format("EasyPost", "EZ(A|T)K<base62:54>", "EZAK"),
    Format("Flutterwave", "FLWSECK(_TEST|)-<lower:12-40>", "FLWSECK"),
    Format("GoCardless", "live_<url:40>", "live_orders"),
    Format(
        "Plaid",
        "access-(sandbox|development|production)-<hex:8>-<hex:4>-<hex:4>-<hex:4>-<hex:12>",
        "access-1",
    ),
    Format("Shopify", "shp(at|ca|pa|ss|ua)_<hEx:32>", "shpat_shop"),
    Format("Square", "sq0<lower:3>-<url:22+>", "sq0idp-1"),
    Format("Square access", "EAAA<url:60>", "EAAA"),
    Format("Pagar.me", "ak_(live|test)_<base62:30>", "ak_live"),
    Format("Shippo", "shippo_(live|test)_<hEx:40>", "shippo_live"),
    Format("Stripe", "(sk|rk)_(live|test|prod)_<base62:16+>", "sk_live"),
    Format("Stripe webhook", "whsec_<base64:16+>", "whsec_id"),
    # Chains whose private keys have a prefix of their own
    Format("AIP-80", "(ed25519|secp256k1)-priv-0x<hEx:64>", "ed25519-priv-0x"),
    # In DER (RFC 8410, RFC 5915), as Hedera writes them.
    Format("PKCS 8, Ed25519", "302e020100300506032b657004220420<hEx:64>", "302e020100300506"),
    Format("PKCS 8, secp256k1", "3030020100300706052b8104000a04220420<hEx:64>", "3030020100300706"),
    Format(
        "Cardano",
        "(ed25519e_sk|ed25519_sk|addr_xsk|root_xsk|acct_xsk|stake_xsk)1<bech32:50+>",
        "addr_xsk1",
    ),
    Format("NEAR", "ed25519:<base58:86-88>", "ed25519:short"),
    Format("Nostr", "nsec1<bech32:58>", "nsec1"),
    Format("Stellar", "S<base32:55>", "SOLUSDC"),
    Format("Sui", "suiprivkey1<bech32:58+>", "suiprivkey1"),
    Format("BIP-32", "(x|y|z|u|v|t|X|Y|Z|U|V|L|M|d|D)prv<base58:60+>", "xprv"),
)
# URLs that need no further credentials, so that they are secrets as a whole.
HOOKS = (
    Format(
        "Slack",
        "hooks.slack(|-gov).com/(services|workflows|triggers)/<path:8+>",
        "hooks.slack.com",
    ),
    Format(
        "Discord",
        "discord(|app).com/api/(|v9/|v10/)webhooks/<digit:5+>/<url:20+>",
        "discord.com/api",
    ),
    Format("Teams", "webhook.office.com/<link:20+>", "webhook.office.com"),
    Format("Power Automate", "logic.azure.com/<path:20+>", "logic.azure.com"),
    Format("Zapier", "hooks.zapier.com/hooks/catch/<path:8+>", "hooks.zapier.com"),
    Format("Make", "hook.(eu1.|eu2.|us1.|us2.|)make.com/<lower:20+>", "hook.make.com"),
    Format("IFTTT", "maker.ifttt.com/trigger/<word:1+>/with/key/<url:20+>", "maker.ifttt.com"),
    Format("Google Chat", "chat.googleapis.com/v1/spaces/<path:8+>", "chat.googleapis.com"),
    Format("Healthchecks", "hc-ping.com/<url:20+>", "hc-ping.com"),
    Format("Rocket.Chat", "hooks/<base62:17>/<base62:64>", "hooks/a/b"),
    Format("Tines", "tines.com/webhook/<path:20+>", "tines.com/webhook"),
    Format("Webhook.site", "webhook.site/<hex:8>-<hex:4>-<hex:4>-<hex:4>-<hex:12>", "webhook.site"),
    Format("Zapier MCP", "mcp.zapier.com/api/mcp/s/<path:20+>", "mcp.zapier.com"),
    Format(
        "Feishu",
        "open.(feishu.cn|larksuite.com)/open-apis/bot/v2/hook/<url:20+>",
        "open.feishu.cn",
    ),
    Format(
        "n8n, TradingView",
        "webhook(-test|)/<hex:8>-<hex:4>-<hex:4>-<hex:4>-<hex:12>",
        "webhook/orders",
    ),
)
# Hosts of RPC nodes with the API key in the path of the URL.
RPC_HOSTS = (
    *("chainstack.com", "infura.io", "alchemy.com", "alchemyapi.io", "quiknode.pro", "ankr.com"),
    *("blastapi.io", "getblock.io", "drpc.org", "helius-rpc.com", "helius.xyz", "nodereal.io"),
    *("tenderly.co", "blockpi.network", "grove.city", "pokt.network", "rpcpool.com", "syndica.io"),
    *("extrnode.com", "shyft.to", "onfinality.io", "unifra.io", "zan.top", "validationcloud.io"),
    *("thirdweb.com", "1rpc.io", "nownodes.io", "rivet.cloud", "covalenthq.com", "moralis.io"),
    *("moralis-nodes.com", "blockdaemon.com", "allthatnode.com", "p2pify.com", "bware.io"),
    *("rockx.com", "triton.one", "genesysgo.net", "zmok.io", "bloxroute.com", "tatum.io"),
    *(
        "lava.build",
        "nodies.app",
        "dwellir.com",
        "publicnode.com",
        "chainnodes.org",
        "omniatech.io",
    ),
    *("gateway.fm", "grpcfast.com", "hellomoon.io", "ironforge.network", "nansen.ai", "imtoken.io"),
    "thegraph.com",
)

_part = re.compile(r"<(\w+):(\d+)(?:(\+)|-(\d+))?>|(\([^()<>]*\))|([^<(]+)|([<(])")


class Piece(NamedTuple):
    """A piece of a format: characters of a class, or one of several texts."""

    choices: tuple[str, ...]
    letters: str = ""
    least: int = 0
    most: int | None = 0


def pieces(text: str) -> list[Piece]:
    """Return the pieces of a format."""
    found = []
    for match in _part.finditer(text):
        name, least, more, most, choices, itself, _ = match.groups()
        if name:
            end = None if more else int(most or least)
            found.append(Piece((), CLASSES[name], int(least), end))
        elif choices:
            found.append(Piece(tuple(choices[1:-1].split("|"))))
        elif itself:
            found.append(Piece((itself,)))
        else:
            raise ValueError(f"a format cannot have {match[0]!r}: {text}")
    return found


def regex(text: str) -> str:
    """Return the regular expression of a format."""
    made = r"\b" if not text.startswith("(|") else ""
    found = pieces(text)
    for piece in found:
        if piece.letters:
            most = "" if piece.most is None else piece.most
            made += f"[{piece.letters}]{{{piece.least},{most}}}"
        else:
            made += "(?:" + "|".join(map(re.escape, piece.choices)) + ")"
    last = found[-1]
    # A longer run of these characters is something else.
    return made + (r"\b" if last.most and "-" not in last.letters[-1:] else "")
