"""What every page is made of: one table, nothing inline, nothing unescaped, nothing missing."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from pytest_django import Settings

from tests.hub.markup import read
from tests.hub.pages import Hub

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

STORAGE = "hub.ui.assets.ModuleStorage"
HASHED = re.compile(r"\.[0-9a-f]{12}\.")
# What a module imports: `import "./copy.js"`, `import { announce } from "./announce.js"`.
MODULE = re.compile(r"""(?:from|import)\s*["'](\./[^"']+)["']""")
ROOT = Path(django_settings.BASE_DIR)
HOSTILE = "\"><img src=x onerror=alert(1)><script>alert(2)</script>'&amp;</pre></dl>"
QUERY = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E%3Cimg+src=x+onerror=y%3E"
ATTACK: dict[str, Any] = {
    "actor": {"type": "user", "id": HOSTILE, "name": HOSTILE},
    "target": {"type": HOSTILE[:64], "id": HOSTILE, "name": HOSTILE},
    "correlation_id": HOSTILE,
    "request_id": HOSTILE,
    "session_id": HOSTILE,
    "source_ip": HOSTILE,
    "bot_id": HOSTILE,
    "payload": {HOSTILE: HOSTILE, "list": [HOSTILE, {"long": HOSTILE * 9}], "apiKey": HOSTILE},
}


@pytest.fixture
def hostile(hub: Hub) -> UUID:
    """An entry that attacks in every field."""
    return hub.record(ATTACK)[0]


def pages_of(hub: Hub, entry: UUID) -> list[tuple[str, "Response"]]:
    """Return every kind of page and fragment, with hostile values wherever one can be put."""
    filters = f"actor={QUERY}&target={QUERY}&botId={QUERY}&{QUERY}=1&sort={QUERY}"
    paths = [
        f"/hub/logs?entry={entry}",
        f"/hub/logs?{filters}&entry={QUERY}&search={QUERY}&result={QUERY}&cursor={QUERY}",
        f"/hub/logs?startDate={QUERY}&endDate={QUERY}&dateRange={QUERY}&action={QUERY}",
        f"/hub/logs/count?{filters}",
        f"/hub/logs/chart?{filters}",
        f"/hub/logs/actors?search={QUERY}",
        "/hub/logs/actors",
        f"/hub/logs/choose-actor?search={QUERY}&list={QUERY}",
        "/hub/logs/choose-actor",
        f"/hub/logs/{entry}",
        f"/hub/logs/{entry}?{filters}",
        f"/hub/logs/{QUERY}",
        f"/hub/accounts?search={QUERY}",
        "/hub/profile",
        f"/hub/sign-in?next={QUERY}",
    ]
    answers = [(path, hub.get(path, htmx=htmx)) for path in paths for htmx in (False, True)]
    hub.client.logout()
    answers.append(("/hub/sign-in", hub.get(f"/hub/sign-in?next={QUERY}")))
    answers.append(("wrong", hub.client.post("/hub/sign-in", {"username": HOSTILE, "next": QUERY})))
    return answers


def test_nothing_hostile_is_ever_unescaped(hub: Hub, hostile: UUID) -> None:
    shown = 0
    for path, response in pages_of(hub, hostile):
        html = response.content.decode()
        page = read(html)
        shown += html.count("&lt;script&gt;alert(")
        assert page.all("img") == [], path
        for script in page.all("script"):
            assert script["src"].startswith("/static/"), path
            assert script.text == "", path
        assert "<script>alert(" not in html, path
    assert shown > 30


def test_hostile_values_are_shown_as_they_are(hub: Hub, hostile: UUID) -> None:
    page = hub.logs()
    folded = " ".join(HOSTILE.split())
    assert page.one("tbody", ".column-actor", "bdi").text == folded
    assert page.one("tbody", ".column-target", "bdi")
    entry = hub.read(f"/hub/logs/{hostile}")
    copies = [each["data-copy-text"] for each in entry.all("[data-copy-text]")]
    assert copies[:3] == [HOSTILE] * 3
    assert entry.one(".payload", ".redacted").text == "redacted · key-name"
    actors = hub.read("/hub/logs/actors").all("[role=option]")
    assert actors[1]["data-value"] == actors[1]["data-name"] == HOSTILE


def test_nothing_is_inline_and_the_policy_is_strict(hub: Hub, hostile: UUID) -> None:
    for path, response in pages_of(hub, hostile):
        policy = response["Content-Security-Policy"]
        assert "unsafe" not in policy, path
        directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
        assert directives["default-src"] == directives["base-uri"] == "'none'", path
        assert directives["frame-ancestors"] == "'none'", path
        for name in ("script-src", "style-src", "connect-src", "form-action", "img-src"):
            assert directives[name] == "'self'", path
        for element in read(response.content.decode()).walk():
            assert element.tag != "style", path
            assert "style" not in element.attributes, path
            assert not [name for name in element.attributes if name.startswith("on")], path
            assert not (element.get("href") or "").lower().startswith("javascript:"), path


def test_ids_are_given_once(hub: Hub, hostile: UUID) -> None:
    for path, response in pages_of(hub, hostile):
        ids = [each["id"] for each in read(response.content.decode()).walk() if each.get("id")]
        assert len(ids) == len(set(ids)), path


def test_what_an_attribute_points_at_is_there(hub: Hub, hostile: UUID) -> None:
    names = ("aria-describedby", "aria-controls", "aria-labelledby", "for", "data-copy")
    page = hub.logs(f"?entry={hostile}")
    ids = {each["id"] for each in page.walk() if each.get("id")}
    for element in page.walk():
        for name in names:
            if pointed := element.get(name):
                assert pointed.removeprefix("#") in ids, (name, pointed)
    used = {each["href"].removeprefix("#") for each in page.all("use")}
    assert used <= ids


def test_there_is_exactly_one_table_of_entries() -> None:
    pages = [path for path in (ROOT / "templates").rglob("*.html") if path.parent.name == "logs"]
    tables = [
        path.name for path in pages for _ in range(path.read_text().count('<table class="entries"'))
    ]
    assert tables == ["_table.html"]


def test_templates_are_read_without_scrolling_sideways() -> None:
    for path in (ROOT / "templates").rglob("*.html"):
        lines = path.read_text().splitlines()
        assert max(map(len, lines)) <= 120, path
        assert len(lines) > 1, path


def test_a_page_has_its_landmarks_its_title_and_one_first_heading(hub: Hub, hostile: UUID) -> None:
    for path, response in pages_of(hub, hostile):
        if response.status_code not in {200, 404} or b"<!doctype" not in response.content:
            continue
        page = read(response.content.decode())
        assert page.one("html")["lang"] == "en", path
        assert page.one("title").text.endswith("Hub"), path
        assert len(page.all("main")) == len(page.all("h1")) == 1, path
        assert page.one(".skip")["href"] == f"#{page.one('main')['id']}", path


def test_logs_is_the_current_place_in_the_navigation(hub: Hub, hostile: UUID) -> None:
    for path in ("/hub/logs", f"/hub/logs/{hostile}", "/hub/logs/count"):
        links = hub.read(path).all("nav", "a[aria-current=page]")
        assert [each.text for each in links] == ["Logs"]


def test_every_asset_is_in_the_manifest(hub: Hub, settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": STORAGE}}
    # That takes seconds; the demo's first load tells whether it is done.
    settings.WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ["css", "js", "svg", "json", "txt", "html"]
    call_command("collectstatic", interactive=False, verbosity=0)
    pages = [hub.logs(), hub.read("/hub/logs/count"), hub.read("/hub/logs/unknown", status=404)]
    pages.append(hub.read("/hub/profile"))
    hub.client.logout()
    pages.append(hub.read("/hub/sign-in"))
    for style in tmp_path.glob("css/*.????????????.css"):
        assert "/*" not in style.read_text()
    for script in tmp_path.glob("js/*.????????????.js"):
        assert "// " not in script.read_text()
        for name in MODULE.findall(script.read_text()):
            assert HASHED.search(name), (script.name, name)
            assert (script.parent / name).is_file(), (script.name, name)
    for page in pages:
        assets = [each["src"] for each in page.all("script")]
        assets += [each["href"] for each in page.all("link")]
        assert len(assets) >= 5
        for asset in assets:
            assert HASHED.search(asset), asset
            assert (tmp_path / asset.removeprefix("/static/")).is_file(), asset
