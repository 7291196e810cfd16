"""The data room: what the user has -> uint8 pictures, examined, packed and streamed.

dataset = load("my-pictures.zip", size=(64, 64))
print(dataset.diagnosis)
stream = Stream(dataset, batch=32)
stream[0]           # float32 [32, 3, 64, 64] in [-1, 1]
"""

from ganache.data.dataset import Dataset
from ganache.data.diagnosis import Diagnosis
from ganache.data.doctor import diagnose
from ganache.data.reasons import Note, Reason, Skipped
from ganache.data.single import picture_in, read_picture
from ganache.data.sources import load
from ganache.data.stream import Stream
from ganache.data.toys import TOYS, Toy

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
