"""Pieces of all requests share the engines: who waits, who goes next, and on which process."""

from malgwi.scheduling.base import Fleet, Lane, ModelState

__all__ = ["Fleet", "Lane", "ModelState"]
