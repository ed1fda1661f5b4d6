"""What a verdict on a claim can be. The rooms that judge, the cards, the ledger and its pages all use these."""

HOLDS = "holds"
CORRECTED = "holds, corrected"
FAILS = "fails"
UNDECIDED = "not decidable from the text"
ILLUSTRATED = "illustrated"
OPEN = "open"

MEANING = {
    HOLDS: "we found what the paper states",
    CORRECTED: "true once the correction named beside it is made",
    FAILS: "there is a counterexample in the regime that the paper states",
    UNDECIDED: "something is missing from the text; the entry says what, and what we chose",
    ILLUSTRATED: "a schematic figure, drawn here from a run",
    OPEN: "no chapter reports on it yet",
}
