"""TensorBoard's event files, written if TensorBoard is installed.

They are written like the log: appended whole, in this thread. TensorBoard's own writer has a thread whose errors nobody
could catch.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ganache.core import storage


class EventFile:
    """One event file in `tensorboard/` of a run at `step`; TensorBoard forgets events of later steps.

    Raises ImportError without TensorBoard; every method raises OSError if the file cannot be written.
    """

    def __init__(self, folder: Path, step: int) -> None:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event, self._summary, self._writer = event_pb2.Event, summary_pb2.Summary, RecordWriter
        now = time.time_ns()
        # The names sort by time, which is the order in which TensorBoard reads files.
        self.path = (
            storage.create_folder(folder / "tensorboard") / f"events.out.tfevents.{now // 10**9}.{os.getpid()}.{now}"
        )
        started = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._append([{"file_version": "brain.Event:2"}, {"step": step + 1, "session_log": started}])

    def write(self, step: int, numbers: Iterable[tuple[str, float]]) -> None:
        """Append numbers by name."""
        values = [self._summary.Value(tag=name, simple_value=value) for name, value in numbers]
        self._append([{"step": step, "summary": self._summary(value=values)}])

    def _append(self, events: Iterable[dict[str, Any]]) -> None:
        records = io.BytesIO()
        for event in events:
            self._writer(records).write(self._event(wall_time=time.time(), **event).SerializeToString())
        storage.append_bytes(self.path, records.getvalue())
