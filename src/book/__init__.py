"""What makes it a book: parameters, claims, the ledger, the look of figures."""
