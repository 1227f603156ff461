"""The stages assembled: `batch` for a recording, `merge` for one timeline of all channels."""

from malgwi.pipeline.batch import Engines, Progress, Request, channels_of, transcribe
from malgwi.pipeline.cutter import CutRule

__all__ = ["CutRule", "Engines", "Progress", "Request", "channels_of", "transcribe"]
