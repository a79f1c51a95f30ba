"""The commands: accounts, keys, indexes."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pymongo.collection import Collection

from auditlogs.accounts import accounts, keys
from auditlogs.models import Account, ApiKey
from auditlogs.storage import mongo
from auditlogs.storage.indexes import (
    ACCOUNT_FILTER,
    LEADING_FILTERS,
    Index,
    ensure_indexes,
    indexes as all_indexes,
)
from tests.factories import unique
from tests.watching import watcher

DAY_SECONDS = 86_400


def run(name: str, *arguments: str) -> str:
    """Run a command; return what it wrote to standard output, and no more than an id elsewhere."""
    out, err = io.StringIO(), io.StringIO()
    call_command(name, *arguments, stdout=out, stderr=err)
    assert re.fullmatch(r"(id: a?key_\w+\n)?", err.getvalue())
    return out.getvalue()


@pytest.mark.usefixtures("db")
def test_an_account_is_made_and_its_id_printed() -> None:
    name = unique("Acme & Söhne")
    printed = run("create_account", f" {name} ")
    assert printed == f"{Account.objects.get(name=name).id}\n"


def test_an_account_is_not_made_twice(account: Account) -> None:
    with pytest.raises(CommandError, match=f"Account {account.name} already exists"):
        run("create_account", account.name)


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("name", ["", "  ", "x" * 65])
def test_an_account_needs_a_name_of_reasonable_length(name: str) -> None:
    with pytest.raises(CommandError, match="1 to 64 characters"):
        run("create_account", name)


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x\ny", "The name must have 1 to 64 characters, none of them invisible."),
        ("hid\u200bden", "none of them invisible"),
        ("aud_7Gk2Qx9Lm4Tz8Rw3Vb6Np1Sd5Fh0JcXyAeUi", "The name must not be, or hold, a secret."),
        ("acc_0123456789abcdef", "The name must not look like an account's id."),
        ("ACC_0", "The name must not look like an account's id."),
    ],
)
def test_what_no_account_can_be_called_is_refused(name: str, reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        run("create_account", name)
    assert not Account.objects.filter(name=name).exists()


@pytest.mark.parametrize("name", ["میز\u200cها", "❤\ufe0f of Desk 7"])
def test_an_account_and_a_key_may_have_names_as_people_write_them(db: None, name: str) -> None:
    run("create_account", name)
    run("create_api_key", name, "--account", name, "--scope", "logs:read")
    assert Account.objects.get(name=name).api_keys.get().name == name


def test_a_key_is_made_and_printed_and_nothing_else_is(account: Account) -> None:
    printed = run("create_api_key", "SIEM", "--account", account.name, "--scope", "logs:read")
    found = keys.find(printed.removesuffix("\n"))
    assert found is not None
    assert (found.account, found.name, found.scopes) == (account, "SIEM", ["logs:read"])


def test_a_scope_may_be_given_again_and_again(account: Account) -> None:
    twice = ["--scope", "logs:read", "--scope", "logs:read"]
    key = keys.find(run("create_api_key", "k", "--account", account.name, *twice).strip())
    assert key
    assert key.scopes == ["logs:read"]


def test_a_key_of_no_scope_is_not_made(account: Account) -> None:
    with pytest.raises(CommandError, match="required: --scope"):
        run("create_api_key", "k", "--account", account.name)
    assert not account.api_keys.exists()


def test_an_account_may_be_given_by_its_id(account: Account) -> None:
    printed = run("create_api_key", "SIEM", "--account", account.id, "--scope", "logs:read")
    found = keys.find(printed.strip())
    assert found
    assert found.account == account


def test_an_id_means_its_account_whatever_another_is_called(account: Account) -> None:
    # As one could be called before such names were refused.
    Account.objects.create(name=account.id)
    assert accounts.find_account(account.id) == account


def test_a_name_is_used_by_one_active_key(account: Account) -> None:
    arguments = ["create_api_key", "SIEM", "--account", account.name, "--scope", "logs:read"]
    run(*arguments)
    with pytest.raises(CommandError, match=r"^An active key has this name\.$"):
        run(*arguments)
    keys.revoke(account.api_keys.get())
    assert run(*arguments)


def test_a_key_needs_an_account_and_scopes_that_exist(account: Account) -> None:
    with pytest.raises(CommandError, match="Account nobody does not exist"):
        run("create_api_key", "k", "--account", "nobody", "--scope", "logs:read")
    with pytest.raises(CommandError, match="No such scope: root"):
        run("create_api_key", "k", "--account", account.name, "--scope", "root")
    assert not ApiKey.objects.filter(account=account).exists()


def test_an_agents_key_has_its_life_by_commands(account: Account) -> None:
    of = ["--account", account.name]
    made = ["create", "scout-read", *of, "--agent", "agent-7", "--scope", "read", "--days", "9"]
    text = run("agent_key", *made)
    key = account.agent_keys.get()
    assert keys.digest_of(text.strip()) == key.digest
    assert (key.name, key.agent, key.scopes) == ("scout-read", "agent-7", ["read"])
    second = run("agent_key", "rotate", key.public_id, *of, "--overlap", "0.5")
    assert run("agent_key", "scopes", key.public_id, *of, "--scope", "trade") == ""
    key.refresh_from_db()
    assert (keys.digest_of(second.strip()), key.scopes) == (key.digest, ["trade"])
    assert run("agent_key", "revoke", key.public_id, *of) == ""
    key.refresh_from_db()
    assert key.revoked_at


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["revoke", "akey_0"], "Agent key akey_0 does not exist in this account."),
        (["rotate", "akey_0"], "Agent key akey_0 does not exist in this account."),
        (["create", "k", "--agent", "a", "--scope", "root"], "No such scope: root"),
        (["create", "k", "--agent", "a", "--scope", "read", "--days", "0"], "--days from 1"),
    ],
)
def test_an_agents_key_that_cannot_be_is_refused(
    account: Account, arguments: list[str], reason: str
) -> None:
    with pytest.raises(CommandError, match=reason):
        run("agent_key", *arguments, "--account", account.name)
    with pytest.raises(CommandError, match="Account nobody does not exist"):
        run("agent_key", *arguments, "--account", "nobody")


def indexes() -> dict[str, dict[str, Any]]:
    return {
        f"{collection.name}.{name}": dict(index)
        for collection in (mongo.entries(), mongo.dictionary())
        for name, index in collection.index_information().items()
    }


def test_indexes_are_made_once_and_named() -> None:
    before = indexes()
    printed = run("ensure_indexes").splitlines()
    assert indexes() == before
    assert {lead.index for lead in (ACCOUNT_FILTER, *LEADING_FILTERS)} <= set(printed)
    assert printed[-1] == "retention (30 days)"
    # One for each leading filter, of which facts share one, that without any, two of arrivals, the
    # retention, and the one by `_id` that is always there.
    by_filter = {each.index for each in LEADING_FILTERS}
    assert len(mongo.entries().index_information()) == len(by_filter) + 5


def test_making_indexes_shows_each_one_and_takes_as_long_as_it_takes() -> None:
    total = len(all_indexes())
    with watcher.watch() as commands:
        begun = [line for line in run("ensure_indexes").splitlines() if " of " in line]
    assert begun[0] == f"1 of {total}, audit_logs: by_account …"
    assert len(begun) == total
    made = [command for command in commands if "createIndexes" in command]
    assert made
    # Within what is left of a week.
    assert all(command["maxTimeMS"] > DAY_SECONDS * 1_000 for command in made)


def test_making_indexes_can_be_interrupted_and_goes_on_when_run_again(
    own_database: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ("by_botId", "by_sessionId", "by_tokens")
    for name in names:
        mongo.entries().drop_index(name)
    create, before = Collection.create_index, indexes()

    def interrupted(self: Collection[Any], keys: Any, **options: Any) -> str:
        if options["name"] == "by_botId":
            raise KeyboardInterrupt
        return create(self, keys, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Collection, "create_index", interrupted)
        with pytest.raises(CommandError, match=r"Interrupted at audit_logs: by_botId\. .* again"):
            run("ensure_indexes")
    assert indexes().keys() - before.keys() == {f"{mongo.ENTRIES}.by_sessionId"}
    run("ensure_indexes")
    assert indexes().keys() - before.keys() == {f"{mongo.ENTRIES}.{name}" for name in names}


def test_a_new_retention_changes_the_index_in_place(settings: Any) -> None:
    names = (f"{mongo.ENTRIES}.retention", f"{mongo.DICTIONARY}.retention")
    try:
        for days in (30, 90, 7):
            settings.AUDITLOGS_RETENTION_DAYS = days
            printed = run("ensure_indexes", "--shorten-retention").splitlines()
            assert printed[-1] == f"retention ({days} days)"
            kept = [indexes()[name]["expireAfterSeconds"] for name in names]
            assert kept == [days * DAY_SECONDS] * 2
    finally:
        settings.AUDITLOGS_RETENTION_DAYS = 30
        ensure_indexes()


def test_a_longer_retention_never_lets_entries_outlive_their_notes(settings: Any) -> None:
    def stop_at_entries(index: Index) -> None:
        if (index.collection, index.name) == (mongo.ENTRIES, "retention"):
            raise KeyboardInterrupt

    before = indexes()[f"{mongo.DICTIONARY}.retention"]["expireAfterSeconds"]
    settings.AUDITLOGS_RETENTION_DAYS += 1
    try:
        with pytest.raises(KeyboardInterrupt):
            ensure_indexes(stop_at_entries)
        after = indexes()[f"{mongo.DICTIONARY}.retention"]["expireAfterSeconds"]
        assert after == before + DAY_SECONDS
    finally:
        settings.AUDITLOGS_RETENTION_DAYS -= 1
        ensure_indexes()


def test_a_shorter_retention_is_not_set_without_a_yes(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = indexes()
    settings.AUDITLOGS_RETENTION_DAYS = 7
    with pytest.raises(CommandError, match=r"older than 7 days .* add --shorten-retention"):
        run("ensure_indexes")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: "no")
    with pytest.raises(CommandError, match=r"^Nothing was changed\.$"):
        run("ensure_indexes")
    assert indexes() == before
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    try:
        assert run("ensure_indexes").splitlines()[-1] == "retention (7 days)"
    finally:
        settings.AUDITLOGS_RETENTION_DAYS = 30
        ensure_indexes()


@pytest.mark.parametrize("days", [-1, 0, 24_856])
def test_a_retention_that_would_empty_the_log_changes_nothing(settings: Any, days: int) -> None:
    before = indexes()
    settings.AUDITLOGS_RETENTION_DAYS = days
    with pytest.raises(CommandError, match="expected a number from 1 to 24855"):
        run("ensure_indexes")
    assert indexes() == before


def test_what_is_removed_is_counted_from_the_entrys_own_time() -> None:
    keys_of = {name: index["key"] for name, index in indexes().items()}
    assert keys_of[f"{mongo.ENTRIES}.retention"] == [("timestamp", 1)]
    # A note is kept until the last entry of its week may have gone.
    assert keys_of[f"{mongo.DICTIONARY}.retention"] == [("weekEnd", 1)]
    assert timedelta(days=30) == timedelta(
        seconds=indexes()[f"{mongo.DICTIONARY}.retention"]["expireAfterSeconds"]
    )
