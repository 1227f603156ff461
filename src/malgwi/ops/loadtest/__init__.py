"""Whether a machine bears so many channels for so long: sound is sent as recorders send it, and
what becomes of it is measured.

plan         what is asked for, and its bounds
clips        what is spoken in recordings; placement deals it out; sound makes files of it
target       the service that is meant, or one of our own: embedded
delivery     pieces are handed in and followed; measuring looks at the service beside; run does both
outcome      what was seen, with what coverage, trend and verdict reckon from it
report       the same as data; summary in words; page, plots and markdown as files
"""

from malgwi.ops.loadtest.clips import Clip, clips_of
from malgwi.ops.loadtest.embedded import embedded
from malgwi.ops.loadtest.files import check_folder, write_report
from malgwi.ops.loadtest.outcome import Outcome
from malgwi.ops.loadtest.plan import Plan
from malgwi.ops.loadtest.report import as_data
from malgwi.ops.loadtest.run import Service, run
from malgwi.ops.loadtest.summary import summary
from malgwi.ops.loadtest.target import check_address
from malgwi.ops.loadtest.verdict import verdict

__all__ = [
    "Clip",
    "Outcome",
    "Plan",
    "Service",
    "as_data",
    "check_address",
    "check_folder",
    "clips_of",
    "embedded",
    "run",
    "summary",
    "verdict",
    "write_report",
]
