"""The engine as one request sees it: a Transcriber like any other, shared with everybody."""

from collections.abc import Collection, Sequence
from threading import Event

from malgwi.scheduling.dispatcher import Dispatcher
from malgwi.scheduling.waiting import Account
from malgwi.stt import LanguageGuess, Piece, Recognition, check_piece
from malgwi.types import Engine, Lane


class SharedTranscriber:
    """A Transcriber whose pieces wait in a lane, and share batches with those of other requests.

    Once `stop` is set, what waits leaves the queue, and calls raise Cancelled.
    """

    def __init__(self, dispatcher: Dispatcher, lane: Lane, stop: Event) -> None:
        """Loads the model if it is not loaded. Raises what the loading raises."""
        self._dispatcher, self._stop = dispatcher, stop
        self._account = Account(lane)
        self._engine, self.capabilities = dispatcher.load(stop)

    @property
    def engine(self) -> Engine:
        """Of the process that answered last: it may have stepped down meanwhile."""
        return self._dispatcher.engine or self._engine

    def transcribe(self, pieces: Sequence[Piece]) -> list[Recognition]:
        for piece in pieces:
            check_piece(piece, self.capabilities, self._engine.model)  # before it waits
        return self._dispatcher.ask("transcribe", pieces, self._account, self._stop)

    def detect_language(
        self, pieces: Sequence[Piece], among: Collection[str] = ()
    ) -> list[LanguageGuess]:
        chosen = frozenset(among)
        return self._dispatcher.ask("detect", pieces, self._account, self._stop, chosen)
