"""The size of a row without its blobs: for prices, and for the stored bytes of a job."""

from __future__ import annotations

ROW_BYTES = 250
"""Bytes of a row without its blobs, in the table and its indexes."""
PAGE_BYTES = 2048
"""A large blob leaves about half a page of the database empty."""
JOB_BYTES = 6_000
"""The row of a job, its spec without data, and the rows of its states."""
