"""How well it is heard: error rates over recordings whose words are known."""
