"""Work for later: a queue that carries ids, and workers that do what the ledger says."""
