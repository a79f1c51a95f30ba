"""Password hashing."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class BoundedArgon2PasswordHasher(Argon2PasswordHasher):
    """Argon2id with the minimum of OWASP's Password Storage Cheat Sheet: 19 MiB, two iterations.

    Django's default takes 100 MiB per attempt, so that a few dozen simultaneous sign-ins could
    exhaust a web process's memory.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
