"""Data: from what the user names to batches on the device.

Readers open folders, archives, arrays and drawn data sets; the doctor inspects every file; usable images are decoded
once into a pack of uint8 pixels, and a Stream turns it into batches.

    dataset = load("my-pictures.zip", size=(64, 64))
    print(dataset.diagnosis)
    stream = Stream(dataset, batch=32)
    stream[0]           # float32 [32, 3, 64, 64] in [-1, 1]
"""

from ganache.data.conversions import Conversion
from ganache.data.dataset import Dataset
from ganache.data.decoding import decode_picture, read_picture
from ganache.data.diagnosis import Diagnosis
from ganache.data.doctor import diagnose
from ganache.data.drawn.toys import TOYS, Toy
from ganache.data.readers import READERS
from ganache.data.skip_reasons import SkippedFile, SkipReason
from ganache.data.sources import load
from ganache.data.stream import Stream

__all__ = [
    "READERS",
    "TOYS",
    "Conversion",
    "Dataset",
    "Diagnosis",
    "SkipReason",
    "SkippedFile",
    "Stream",
    "Toy",
    "decode_picture",
    "diagnose",
    "load",
    "read_picture",
]
