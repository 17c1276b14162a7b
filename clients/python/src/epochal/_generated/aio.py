"""The classes of the client for asyncio; `aio.pyi` has their types."""

from ..awaited import AsyncClient as AsyncClient
from ..awaited import AsyncJob as AsyncJob
