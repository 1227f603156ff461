"""Voice activity detection: samples become spans of speech.

An engine (silero.py, energy.py) only gives a probability a window; `gate` makes the decision,
the same one for a recording and for a live channel.
"""

from malgwi.vad.base import VoiceDetector
from malgwi.vad.everything import EverythingDetector
from malgwi.vad.gate import Gate, GateRule

__all__ = ["EverythingDetector", "Gate", "GateRule", "VoiceDetector"]
