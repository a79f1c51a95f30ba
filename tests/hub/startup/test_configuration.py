"""Configuration is declared once: documentation and example say what the table of settings says."""

import json
import re
import textwrap

from hub.startup.environment import SETTINGS, Setting
from tests.demo_process import ROOT

DOCUMENT = (ROOT / "docs" / "configuration.md").read_text()
EXAMPLE = (ROOT / "deploy" / "env.example").read_text()


def as_text(setting: Setting) -> str:
    """Return a setting's default as the environment would hold it."""
    default = setting.default
    if isinstance(default, list):
        return ",".join(default)
    if isinstance(default, str):
        return default
    return json.dumps(default)


def row(setting: Setting) -> str:
    """Return a setting's line of the table in docs/configuration.md."""
    text = "" if setting.default is None else as_text(setting)
    default = setting.default_is or (f"`{text}`" if text else "empty")
    return f"| `{setting.name}` | {setting.kind} | {default} | {setting.sentence} |"


def block(setting: Setting) -> str:
    """Return a setting's lines in deploy/env.example: commented out unless it sets a value."""
    comment = textwrap.indent(textwrap.fill(setting.sentence, 98), "# ")
    if setting.example is not None:
        return f"{comment}\n{setting.name}='{setting.example}'\n"
    return f"{comment}\n#{setting.name}='{as_text(setting)}'\n"


def test_the_document_describes_each_setting_as_it_is_declared() -> None:
    rows = re.findall(r"^\| `[A-Z].*$", DOCUMENT, re.MULTILINE)
    assert rows == [row(setting) for setting in SETTINGS.values()]


def test_the_example_lists_each_setting_as_it_is_declared() -> None:
    heading, *blocks = EXAMPLE.split("\n\n")
    assert heading.startswith("# ")
    assert [f"{each.rstrip()}\n" for each in blocks] == [block(s) for s in SETTINGS.values()]


def test_the_settings_module_reads_each_declared_setting_and_no_variable_besides() -> None:
    source = (ROOT / "hub" / "settings.py").read_text()
    assert sorted(re.findall(r'\bread\(\s*"(\w+)"', source)) == sorted(SETTINGS)
    assert not re.search(r"\benviron\b|\bgetenv\b|\bEnv\(", source)
