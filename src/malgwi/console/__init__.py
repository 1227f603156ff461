"""The pages of Malgwi: recordings, transcripts, search, glossaries, jobs, people.

A client of the API like any other: a page sees and does what whoever is signed in may see and do,
and has no other way to what is kept.
"""
