"""The stages assembled: `batch` for a recording, `merge` for one timeline of all channels."""

from malgwi.pipeline.batch import Engines, Progress, Request, channels_of, transcribe
from malgwi.pipeline.cutter import CutRule
from malgwi.pipeline.remembering import Remembering

__all__ = ["CutRule", "Engines", "Progress", "Remembering", "Request", "channels_of", "transcribe"]
