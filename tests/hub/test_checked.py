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
