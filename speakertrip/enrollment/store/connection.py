"""A connection to a store's file."""

import sqlite3

from speakertrip.enrollment.encryption.cipher import PLAIN, Cipher


class Connection(sqlite3.Connection):
    """A connection that knows how values stand in its file; ``Database`` says so when it opens one."""

    cipher: Cipher = PLAIN
