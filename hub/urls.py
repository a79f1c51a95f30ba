"""The URLs of the Hub and of the API."""

from django.conf import settings
from django.urls import include, path

from hub.account.agent_key_page import agent_key
from hub.account.agent_keys import (
    agent_key_new,
    agent_key_revoke,
    agent_key_rotate,
    agent_key_scopes,
)
from hub.account.api_keys import api_key_revoke, api_keys
from hub.account.dead_letters import dead_letter_drop, dead_letter_resend, dead_letters
from hub.account.members import member_remove, member_reset, member_role, members
from hub.account.profile import profile, session_token_end, session_tokens
from hub.account.settings import account_settings
from hub.account.switching import accounts
from hub.agents.views import agent, agents
from hub.emitters.views import emitters
from hub.help.api_docs import api_docs
from hub.help.views import help_codes, help_orders, help_pages, help_scopes
from hub.logs import views
from hub.logs.column_page import columns, density
from hub.logs.export import export, export_status, export_stop
from hub.logs.view_pages import view_default, view_delete, view_edit, view_list, view_new
from hub.review.views import review
from hub.sign_in.passwords import SetPassword, password
from hub.sign_in.views import SignIn, SignOut

urlpatterns = [
    # The API is called most, and addresses are compared with each of these in turn.
    path("api/docs", api_docs, name="api_docs"),
    path("api/", include("auditlogs.api.urls")),
    path("", views.home),
    path("favicon.ico", views.favicon),
    path("hub", views.home, name="home"),
    path("hub/", views.home),
    path("hub/logs", views.logs, name="logs"),
    path("hub/logs/count", views.logs_count, name="logs_count"),
    path("hub/logs/export", export, name="export"),
    path("hub/logs/export/status", export_status, name="export_status"),
    path("hub/logs/export/stop", export_stop, name="export_stop"),
    path("hub/logs/chart", views.logs_chart, name="logs_chart"),
    path("hub/logs/arrivals", views.logs_arrivals, name="logs_arrivals"),
    path("hub/logs/actors", views.actors, name="actors"),
    path("hub/logs/choose-actor", views.choose_actor, name="choose_actor"),
    path("hub/logs/order", views.order_story, name="order_story"),
    path("hub/logs/findings/<str:entry_id>", views.findings, name="findings"),
    path("hub/logs/json/<str:entry_id>", views.entry_json, name="entry_json"),
    # A writer's own id may contain a slash.
    path("hub/logs/<path:entry_id>", views.entry, name="entry"),
    path("hub/columns", columns, name="columns"),
    path("hub/density", density, name="density"),
    path("hub/views", view_list, name="views"),
    path("hub/views/new", view_new, name="view_new"),
    path("hub/views/default", view_default, name="view_default"),
    path("hub/views/<int:view>/edit", view_edit, name="view_edit"),
    path("hub/views/<int:view>/delete", view_delete, name="view_delete"),
    path("hub/review", review, name="review"),
    path("hub/agents", agents, name="agents"),
    path("hub/agents/<path:bot_id>", agent, name="agent"),
    path("hub/accounts", accounts, name="accounts"),
    path("hub/help", help_pages, name="help"),
    path("hub/help/scopes", help_scopes, name="help_scopes"),
    path("hub/help/order-lifecycle", help_orders, name="help_orders"),
    path("hub/help/error-codes", help_codes, name="help_codes"),
    path("hub/emitters", emitters, name="emitters"),
    path("hub/api-keys", api_keys, name="api_keys"),
    path("hub/api-keys/agent/new", agent_key_new, name="agent_key_new"),
    path("hub/api-keys/agent/rotate/<str:key>", agent_key_rotate, name="agent_key_rotate"),
    path("hub/api-keys/agent/scopes/<str:key>", agent_key_scopes, name="agent_key_scopes"),
    path("hub/api-keys/agent/revoke/<str:key>", agent_key_revoke, name="agent_key_revoke"),
    # A key that only the log names may have a slash in its id.
    path("hub/api-keys/agent/key/<path:key>", agent_key, name="agent_key"),
    path("hub/api-keys/<str:key>/revoke", api_key_revoke, name="api_key_revoke"),
    path("hub/members", members, name="members"),
    path("hub/members/<int:person>/role", member_role, name="member_role"),
    path("hub/members/<int:person>/reset", member_reset, name="member_reset"),
    path("hub/members/<int:person>/remove", member_remove, name="member_remove"),
    path("hub/dead-letters", dead_letters, name="dead_letters"),
    path("hub/dead-letters/<str:letter>/resend", dead_letter_resend, name="dead_letter_resend"),
    path("hub/dead-letters/<str:letter>/drop", dead_letter_drop, name="dead_letter_drop"),
    path("hub/settings", account_settings, name="settings"),
    path("hub/profile", profile, name="profile"),
    path("hub/profile/session-tokens", session_tokens, name="session_tokens"),
    path("hub/profile/session-tokens/<str:key>/end", session_token_end, name="session_token_end"),
    path("hub/sign-in", SignIn.as_view(), name="sign_in"),
    path("hub/sign-out", SignOut.as_view(), name="sign_out"),
    path("hub/password", password, name="password"),
    path("hub/set-password/<uidb64>/<token>", SetPassword.as_view(), name="set_password"),
    path("", include("auditlogs.api.monitoring_urls")),
]

if settings.OIDC_ISSUER:
    # Its libraries are an extra, which need not be installed where it is not used.
    urlpatterns.append(path("hub/sso/", include("hub.sign_in.sso.urls")))

handler400 = "hub.errors.bad_request"
handler403 = "hub.errors.permission_denied"
handler404 = "hub.errors.page_not_found"
handler500 = "hub.errors.server_error"
