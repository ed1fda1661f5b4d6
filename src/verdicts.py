"""What a verdict can be, and how we know. The rooms that judge, the cards, the ledger and its pages use these.

A verdict is about the statement as printed, read as its authors would defend it, in the regime it states. The first of
these that applies is the verdict: illustrated (a schematic figure claims nothing that could fail), not decidable from
the text, open, fails, holds corrected, holds.
"""

HOLDS = "holds"
CORRECTED = "holds, corrected"
FAILS = "fails"
UNDECIDED = "not decidable from the text"
OPEN = "open"
ILLUSTRATED = "illustrated"

MEANING = {
    HOLDS: "we found what the paper states",
    CORRECTED: "false or empty as printed; one correction, named beside it and itself tested, makes it true",
    FAILS: "there is a counterexample in the regime that the paper states, and no such correction keeps the conclusion",
    UNDECIDED: "something that is needed is missing from the text; the entry says what, and what we chose",
    OPEN: "it can be decided, but what decides it has not been run yet",
    ILLUSTRATED: "a schematic figure, drawn here from a run",
}

PROVED = "proved"
EXACT = "exact"
CERTIFIED = "certified"
SEARCHED = "searched"
SAMPLED = "sampled"
RECORDED = "recorded"

EVIDENCE = {
    PROVED: "a proof stands on the page, and tests evaluate its steps",
    EXACT: "computed without sampling, to rounding",
    CERTIFIED: "bounded by interval arithmetic",
    SEARCHED: "the worst case that a search found; a better search may find a worse one",
    SAMPLED: "measured on random draws, with their spread",
    RECORDED: "taken from a run that is too long for a page, stored with all that says where it comes from",
}
