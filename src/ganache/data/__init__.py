"""Data: from what the user has to batches on the device. Images are examined, packed once as uint8, and streamed.

It imports `core` and `functional`; `training`, `evaluation` and every later folder may import it.

dataset = load("my-pictures.zip", size=(64, 64))
print(dataset.diagnosis)
stream = Stream(dataset, batch=32)
stream[0]           # float32 [32, 3, 64, 64] in [-1, 1]
"""

from ganache.data.dataset import Dataset
from ganache.data.diagnosis import Diagnosis
from ganache.data.doctor import diagnose
from ganache.data.drawn.toys import TOYS, Toy
from ganache.data.reasons import Note, Reason, Skipped
from ganache.data.single import picture_in, read_picture
from ganache.data.sources import load
from ganache.data.stream import Stream

__all__ = [
    "TOYS",
    "Dataset",
    "Diagnosis",
    "Note",
    "Reason",
    "Skipped",
    "Stream",
    "Toy",
    "diagnose",
    "load",
    "picture_in",
    "read_picture",
]
