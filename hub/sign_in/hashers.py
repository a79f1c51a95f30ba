"""How passwords are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class BoundedArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id with what OWASP's Password Storage Cheat Sheet asks for at least: 19 MiB, twice.

    Django's own takes 100 MiB for each password that is tried, so that a few dozen strangers at the
    sign-in page could use up a web process's memory.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
