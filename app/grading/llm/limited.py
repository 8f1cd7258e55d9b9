"""A reply's bytes that end in time, also where what comes is no text. Imports the HTTP library: import it late."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2


class Limited(httpx2.SyncByteStream):
    """Another stream, until a moment of the monotonic clock."""

    def __init__(self, stream: httpx2.SyncByteStream | httpx2.AsyncByteStream, until: float) -> None:
        assert isinstance(stream, httpx2.SyncByteStream)
        self._stream = stream
        self._until = until

    def __iter__(self) -> Iterator[bytes]:
        """The parts as they come. Raises httpx2.ReadTimeout."""
        for part in self._stream:
            if time.monotonic() > self._until:
                raise httpx2.ReadTimeout("the reply took too long")
            yield part

    def close(self) -> None:
        """Let go of the connection."""
        self._stream.close()
