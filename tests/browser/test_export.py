"""Export from the page: the file arrives, the page shows how far it has come, and can stop it."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from auditlogs.export import stream
from tests.browser.logs import Logs
from tests.factories import unique

pytestmark = pytest.mark.browser


def test_a_list_is_saved_as_a_file_and_a_long_export_can_be_stopped(
    logs: Logs, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = unique("session")
    ids = logs.record(*({"session_id": session} for _ in range(12)))
    monkeypatch.setattr(stream, "CHUNK_BYTES", 1)
    monkeypatch.setattr(stream, "REFRESH_SECONDS", 0.0)
    monkeypatch.setattr(stream, "MAX_LIMIT", 4)
    read, pause = stream._page, [0.0]

    def slowly(*args: Any) -> Any:
        time.sleep(pause[0])
        return read(*args)

    monkeypatch.setattr(stream, "_page", slowly)
    logs.open(f"?sessionId={session}")
    menu, status = page.locator("#export-menu"), page.locator("#export-status")
    menu.locator("summary").click()
    with page.expect_download() as saved:
        menu.get_by_role("link", name="NDJSON").click()
    lines = Path(saved.value.path()).read_text().splitlines()
    assert {json.loads(line)["id"] for line in lines[:-1]} == set(map(str, ids))
    expect(status).to_contain_text("Exported 12 entries.")
    expect(menu).not_to_have_attribute("open", "")

    pause[0] = 2.0
    menu.locator("summary").click()
    with page.expect_download() as cut:
        menu.get_by_role("link", name="CSV").click()
    expect(status.get_by_role("progressbar")).to_be_visible()
    status.get_by_role("button", name="Stop").click()
    expect(status).to_contain_text("the file has no manifest")
    assert "#manifest" not in Path(cut.value.path()).read_text()
