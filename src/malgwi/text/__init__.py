"""Recognised text becomes written text: rules, each a function from Utterance to Utterance."""
