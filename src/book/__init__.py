"""What makes it a book: parameters, claims, the ledger, the look of figures."""

from src import threads

threads.one_by_default()  # whoever imports this room is a chapter, or makes its pages
