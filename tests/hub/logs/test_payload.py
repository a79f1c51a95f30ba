"""The payload as a tree: what is open, folded, left out or hidden."""

from typing import Any

from auditlogs.entry.schema import Redaction
from hub.logs.payload import MAX_NODES, Node, pretty, tree
from tests.hub.pages import Hub


def nodes(payload: dict[str, Any], *redactions: Redaction) -> list[Node]:
    return tree(payload, redactions).children


def test_values_are_told_by_their_kind() -> None:
    payload = {"a": "text", "b": 1, "c": 1.5, "d": True, "e": None, "f": {}, "g": [], "h": ""}
    assert [(node.name, node.kind, node.text) for node in nodes(payload)] == [
        ("a", "string", "text"),
        ("b", "number", "1"),
        ("c", "number", "1.5"),
        ("d", "literal", "true"),
        ("e", "literal", "null"),
        ("f", "object", "0 keys"),
        ("g", "array", "0 values"),
        ("h", "string", ""),
    ]


def test_the_first_level_is_open_and_the_rest_is_folded() -> None:
    (outer,) = nodes({"outer": {"inner": {"leaf": 1}}})
    assert outer.is_open
    assert outer.text == "1 key"
    (inner,) = outer.children
    assert not inner.is_open
    assert [leaf.text for leaf in inner.children] == ["1"]


def test_a_long_string_is_folded_and_a_short_one_is_not() -> None:
    long, short = nodes({"long": "x" * 161, "short": "x" * 160})
    assert long.beginning == "x" * 80
    assert long.text == "x" * 161
    assert short.beginning == ""


def test_what_was_redacted_is_named_by_its_rule() -> None:
    payload = {"a/b": {"~x": ["[REDACTED:key-name]"]}, "c": "[REDACTED:key-name]"}
    hidden = Redaction(path="/payload/a~1b/~0x/0", rule="key-name")
    outer, plain = nodes(payload, hidden)
    (leaf,) = outer.children[0].children
    assert (leaf.kind, leaf.text) == ("redacted", "key-name")
    # A text that looks the same but was not redacted is a text.
    assert plain.kind == "string"


def test_beyond_its_limit_a_node_says_how_much_it_leaves_out() -> None:
    root = tree({"list": list(range(MAX_NODES + 10)), "next": 1}, ())
    (shown,) = root.children
    assert len(shown.children) == MAX_NODES - 1
    assert shown.left_out == 11
    assert root.left_out == 1


def test_the_page_says_what_the_tree_leaves_out_and_copies_it_all(hub: Hub) -> None:
    (entry,) = hub.record({"payload": {"list": list(range(MAX_NODES + 10))}})
    page = hub.read(f"/hub/logs/{entry}")
    assert page.all(".payload", ".absent")[0].text == "11 more, in the copied JSON"
    assert str(MAX_NODES + 9) in page.one("#payload-text").text


def test_empty_containers_and_deep_ones_are_rendered(hub: Hub) -> None:
    deep: dict[str, Any] = {"leaf": 1}
    for _ in range(30):
        deep = {"level": deep}
    (entry,) = hub.record({"payload": {"none": {}, "nothing": [], "": [[], {}], "deep": deep}})
    page = hub.read(f"/hub/logs/{entry}")
    said = [node.text for node in page.all(".payload", ".node")]
    assert said[0] == "none {}"
    assert said[1] == "nothing []"
    assert said[3:5] == ["0 []", "1 {}"]
    assert said[-1] == "leaf 1"


def test_copied_json_is_the_payload() -> None:
    assert (
        pretty({"b": [1, {"a": "é"}]})
        == '{\n  "b": [\n    1,\n    {\n      "a": "é"\n    }\n  ]\n}'
    )


def test_what_is_left_of_a_text_stands_beside_what_was_redacted() -> None:
    url = "https://[REDACTED:url-credentials]@host/x?token=[REDACTED:url-secret]"
    (leaf,) = nodes({"url": url}, *(Redaction(path="/payload/url", rule=r) for r in ("a", "b")))
    assert leaf.kind == "string"
    assert [(part.text, part.rule) for part in leaf.parts] == [
        *(("https://", ""), ("", "url-credentials"), ("@host/x?token=", ""), ("", "url-secret")),
    ]
    (plain,) = nodes({"url": url})
    assert [(part.text, part.rule) for part in plain.parts] == [(url, "")]


def test_text_that_changes_direction_is_isolated_and_what_is_hidden_is_named(hub: Hub) -> None:
    override, pop, bell, joiner = "\u202e", "\u202c", "\x07", "\u200d"
    (entry,) = hub.record(
        {
            "payload": {
                f"{override}yek": f"pay {override}001{pop} now",
                "bell": f"a{bell}b",
                "lines": "one\n\ttwo",
                "family": f"\U0001f469{joiner}\U0001f467",
                "long": f"{override}{'x' * 200}",
            }
        }
    )
    payload = hub.read(f"/hub/logs/{entry}").one(".payload")
    assert [mark.text for mark in payload.all(".hidden-mark")] == [
        *("U+202E", "U+202E", "U+202C", "U+0007", "U+202E", "U+202E")
    ]
    assert not {override, pop, bell} & set(payload.text)
    assert f"\U0001f469{joiner}\U0001f467" in payload.text
    for key in payload.all(".key"):
        assert len(key.all("bdi")) == 1
    for string in payload.all(".string"):
        assert len(string.all("bdi")) == 1


def test_known_keys_come_first_and_the_rest_stay_as_they_were_sent(hub: Hub) -> None:
    payload = {"zeta": 1, "error": "no", "alpha": 2, "tool": "quote", "arguments": {"apiKey": "x"}}
    (entry,) = hub.record({"action": "mcp.tool.call", "payload": payload})
    page = hub.read(f"/hub/logs/{entry}")
    assert [key.text for key in page.all(".payload", ".key")] == [
        *("tool", "arguments", "apiKey", "error", "zeta", "alpha")
    ]
    # What was redacted is still found by its place, and the copied text is as it was sent.
    assert page.one(".payload", ".redacted").text == "redacted · key-name"
    assert page.one("#payload-text").text.index("zeta") < page.one("#payload-text").text.index("to")


def test_what_is_folded_says_what_it_begins_with() -> None:
    hidden = Redaction(path="/payload/order/key", rule="key-name")
    order = {"pair": "SOL/USDC", "key": "[REDACTED:key-name]", "legs": [1, 2], "side": "buy"}
    payload: dict[str, Any] = {
        "order": order,
        "list": ["a", None, {}],
        "long": ["x" * 30],
        "few": [[], [{"a": 1}]],
    }
    assert [node.preview for node in nodes(payload, hidden)] == [
        'pair: "SOL/USDC", key: redacted, legs: […], …',
        '"a", null, {}',
        f'"{"x" * 24}…"',
        "[], […]",
    ]


def test_values_of_a_list_have_their_index() -> None:
    (outer,) = nodes({"list": ["a", ["b"]]})
    assert [(node.name, node.is_item) for node in outer.within] == [
        *(("0", True), ("1", True), ("0", True))
    ]


def test_the_tools_are_there_where_they_help(hub: Hub) -> None:
    flat = {f"k{number}": number for number in range(9)}
    few, many, folded = hub.record(
        {"payload": {"a": 1}}, {"payload": flat}, {"payload": {"a": {"b": "c"}}}
    )
    found = [
        [
            len(page.all("[data-payload-search]")),
            len(page.all("[data-payload-expand]")),
        ]
        for page in (hub.read(f"/hub/logs/{entry}") for entry in (few, many, folded))
    ]
    assert found == [[0, 0], [1, 0], [0, 1]]


def test_a_payload_of_changes_alone_is_folded_since_they_stand_above(hub: Hub) -> None:
    changes = [{"field": "slippageBps", "from": 50, "to": 30}]
    kind = {"action": "bot.config.updated"}
    above, more, unread = hub.record(
        {**kind, "payload": {"changes": changes}},
        {**kind, "payload": {"changes": changes, "keyName": "k"}},
        {**kind, "payload": {"changes": [*changes, "not a change"]}},
    )
    folds = [
        hub.read(f"/hub/logs/{entry}").all(".payload-section", "details")[0]
        for entry in (above, more, unread)
    ]
    assert [fold.get("open") is not None for fold in folds] == [False, True, True]
    assert "1 key, shown above" in folds[0].one("summary", "small").text
