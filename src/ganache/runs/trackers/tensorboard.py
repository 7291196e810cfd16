"""TensorBoard's event files, in the folder `tensorboard/` of a run.

They are written like the log: appended whole, in this thread. TensorBoard's own writer has a thread whose errors nobody
could catch.
"""

from __future__ import annotations

import io
import os
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.types_pb2 import DT_STRING
from tensorboard.summary.writer.record_writer import RecordWriter

from ganache.core import storage
from ganache.runs.trackers.tracker import Begun, Status, Tracker


class Tensorboard(Tracker):
    """One event file per session. Every method raises OSError if the file cannot be written."""

    def start(self, name: str, settings: Mapping[str, Any], folder: Path, earlier: str) -> Begun:
        now = time.time_ns()
        parent = storage.create_folder(folder / "tensorboard")
        # The names sort by time, which is the order in which TensorBoard reads files.
        self.path = parent / f"events.out.tfevents.{now // 10**9}.{os.getpid()}.{now}"
        self._append(file_version="brain.Event:2")
        if not earlier:
            lines = storage.json_text(settings).splitlines()
            self.text(0, "settings", "\n".join(f"    {line}" for line in lines))  # as code, in Markdown
        return Begun("tensorboard", shlex.join(["tensorboard", "--logdir", str(parent)]))

    def metrics(self, step: int, numbers: Mapping[str, float]) -> None:
        self._summary(step, *(Summary.Value(tag=name, simple_value=value) for name, value in numbers.items()))

    def image(self, step: int, name: str, picture: np.ndarray) -> None:
        png = io.BytesIO()
        Image.fromarray(picture).save(png, "PNG")
        height, width, channels = picture.shape
        image = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=png.getvalue())
        self._summary(step, Summary.Value(tag=name, image=image))

    def text(self, step: int, name: str, sentence: str) -> None:
        about = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
        tensor = TensorProto(dtype=DT_STRING, string_val=[sentence.encode()])
        self._summary(step, Summary.Value(tag=name, metadata=about, tensor=tensor))

    def finish(self, status: Status) -> None:
        """Do nothing: every event is in the file already."""

    def _summary(self, step: int, *values: Summary.Value) -> None:
        self._append(step=step, summary=Summary(value=values))

    def _append(self, **event: Any) -> None:
        record = io.BytesIO()
        RecordWriter(record).write(Event(wall_time=time.time(), **event).SerializeToString())
        storage.append_bytes(self.path, record.getvalue())
