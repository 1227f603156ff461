"""Recognised text becomes written text: rules, each a function from Utterance to Utterance.

Their order: `nfc`, since the others compare characters; then a glossary's rule; then `suppression`,
which has to see a call for help that the glossary made legible.
"""

from malgwi.text.glossary import Entry, Glossary
from malgwi.text.glossary_file import Syntax, parse_glossary, read_glossary
from malgwi.text.nfc import nfc
from malgwi.text.rules import Rule, apply
from malgwi.text.suppression import Evidence, suppression

__all__ = [
    "Entry",
    "Evidence",
    "Glossary",
    "Rule",
    "Syntax",
    "apply",
    "nfc",
    "parse_glossary",
    "read_glossary",
    "suppression",
]
