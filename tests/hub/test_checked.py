"""What the environment may not say: the program does not start, and tells why."""

import os
import subprocess
import sys

import pytest

from tests.demo_process import ROOT


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("AUDITLOGS_REDACT_PATTERNS", '{"x": "(?=a)"}', "x: RE2 refuses the pattern"),
        ("AUDITLOGS_REDACT_PATTERNS", '{"A b": "a"}', "a rule's name is"),
        ("AUDITLOGS_REDACT_PATTERNS", '["a"]', "expected a JSON object of rule names"),
        ("AUDITLOGS_REDACT_PATTERNS", '{"x": 1}', "expected a JSON object of rule names"),
        ("AUDITLOGS_API_RATE", "often", "expected rates such as 1200/minute;200/10 second"),
        ("AUDITLOGS_API_RATE", "9/minute;often", "expected rates such as 1200/minute"),
        ("OIDC_ISSUER", "http://id.example.org", "expected an https:// address"),
        ("OIDC_ISSUER", "id.example.org", "expected an https:// address"),
        ("OIDC_ISSUER", "https://[", "expected an https:// address"),
        ("OIDC_ISSUER", "https://id.example.org/?a=b", "none of them ? # @"),
        ("AUDITLOGS_SPOOL_MAX_BYTES", "4096", "expected at least 65536 bytes"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_start(name: str, value: str, reason: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import hub.settings"],
        cwd=ROOT,
        env={**os.environ, "SECRET_KEY": "x", name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f'Environment variable "{name}" invalid' in done.stderr
    assert reason in done.stderr


@pytest.mark.parametrize(
    ("secret", "before", "reason"),
    [
        (
            "",
            "",
            "OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET belong together: one is missing",
        ),
        (
            "a secret",
            "import sys; sys.modules['authlib'] = None; ",
            "OIDC_ISSUER is set, but its extra is not installed: auditlogs[sso]",
        ),
    ],
    ids=["a setting is missing", "the extra is missing"],
)
def test_single_sign_on_that_cannot_be_is_refused_at_start(
    secret: str, before: str, reason: str
) -> None:
    said = {
        "OIDC_ISSUER": "https://id.example.org",
        "OIDC_CLIENT_ID": "hub",
        "OIDC_CLIENT_SECRET": secret,
    }
    done = subprocess.run(
        [sys.executable, "-c", f"{before}import hub.settings"],
        cwd=ROOT,
        env={**os.environ, **said},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(reason)
