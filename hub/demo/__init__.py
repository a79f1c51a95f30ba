"""The demo: an embedded database, a fleet with a history, and the Hub, from one command."""
