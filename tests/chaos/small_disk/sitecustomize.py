"""A disk with room for the number of SQLite pages that the file named by SMALL_DISK says, and for
any number where there is no such file.

Python imports this by itself in every process that has the folder on its path.
"""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool

PAGES = Path(os.environ["SMALL_DISK"])
MOST_PAGES = 2**32 - 2


@event.listens_for(Pool, "checkout")
def limit(connection: Any, record: Any, proxy: Any) -> None:
    """For the transaction that begins now."""
    try:
        # SQLite takes what is less than the database has by now for as many as it has.
        pages = int(PAGES.read_text())
    except FileNotFoundError:
        pages = MOST_PAGES
    connection.execute(f"PRAGMA max_page_count = {pages}").close()
