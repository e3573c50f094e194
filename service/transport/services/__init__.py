"""One class per service of the contract. A method translates: message → use case → message."""
