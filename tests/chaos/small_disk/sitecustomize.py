"""A disk that is full for SQLite as long as the file named by SMALL_DISK exists.

Python imports this by itself in every process that has the folder on its path.
"""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool

FULL = Path(os.environ["SMALL_DISK"])
MOST_PAGES = 2**32 - 2


@event.listens_for(Pool, "checkout")
def limit(connection: Any, record: Any, proxy: Any) -> None:
    """Allow a transaction that begins now no page more than there is, or any number."""
    # SQLite takes 1 for as many as the database has by now.
    pages = 1 if FULL.exists() else MOST_PAGES
    connection.execute(f"PRAGMA max_page_count = {pages}").close()
