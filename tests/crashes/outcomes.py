"""The possible outcomes of a run with a fault: as a trial reports them → sign and name.

After every outcome the trial continued until the platform had nothing left to do, and recounted the
whole ledger. These are the states in between.
"""

UNNOTICED = "="

INGEST = {
    "accepted, queued 1; in the ledger once": (UNNOTICED, "accepted, stored once"),
    "accepted, queued 2; in the ledger once": ("2", "accepted, queued twice, stored once"),
    "503, queued 0; in the ledger once": ("e", "error, nothing stored; once after retry"),
    "503, queued 3; in the ledger once": ("E", "error, stored; still once after retry"),
    "503, queued 3; in the ledger twice": ("D", "error, stored, no key; twice after retry"),
    "503, queued 0; in the ledger twice": (
        "L",
        "error, stored late, no key; twice by retry",
    ),
    "killed, queued 0; in the ledger once": ("k", "no answer, nothing stored; once after retry"),
    "killed, queued 1; in the ledger once": ("K", "no answer, stored; still once after retry"),
    "killed, queued 1; in the ledger twice": ("G", "no answer, stored, no key; twice after retry"),
}

SEQUENCER = {
    "done, 1 block": (UNNOTICED, "all appended"),
    "done, 2 blocks": (UNNOTICED, "all appended"),
    "failed, 0 blocks": ("e", "failed, nothing stored; appended when redelivered"),
    "failed, 0 blocks, newest not indexed": (
        "d",
        "failed, nothing stored, the crashed one's block still unindexed; all when redelivered",
    ),
    "failed, 1 block": ("p", "failed, one block stored; skipped when redelivered"),
    "failed, 1 block, newest not indexed": (
        "i",
        "failed, one block stored, unindexed; indexed and skipped when redelivered",
    ),
    "failed, 2 blocks": ("P", "failed, both blocks stored; skipped when redelivered"),
    "failed, 2 blocks, newest not indexed": (
        "I",
        "failed, both stored, one unindexed; indexed and skipped when redelivered",
    ),
    "killed, 0 blocks": ("k", "killed, nothing stored; appended when redelivered"),
    "killed, 0 blocks, newest not indexed": (
        "c",
        "killed, nothing stored, the crashed one's block still unindexed; all when redelivered",
    ),
    "killed, 1 block": ("q", "killed, one block stored; skipped when redelivered"),
    "killed, 1 block, newest not indexed": (
        "j",
        "killed, one block stored, unindexed; indexed and skipped when redelivered",
    ),
    "killed, 2 blocks": ("Q", "killed, both blocks stored; skipped when redelivered"),
    "killed, 2 blocks, newest not indexed": (
        "J",
        "killed, both stored, one unindexed; indexed and skipped when redelivered",
    ),
}

PUBLISHER = {
    "done, committed, whole": (UNNOTICED, "published whole"),
    "error, not committed": ("e", "raised, nothing committed; published by the next run"),
    "error, committed, files behind": ("f", "raised, files behind; put by the next run"),
    "error, committed, not announced": ("a", "raised, not announced; announced by the next run"),
    "error, committed, partial tiles left": ("t", "raised, untidied; tidied by the next run"),
    "error, committed, whole": ("w", "raised, whole all the same"),
    "lost race, committed, files behind": ("F", "took itself for overtaken; put by the next run"),
    "killed, not committed": ("k", "killed, nothing committed; published by the next run"),
    "killed, committed, files behind": ("g", "killed, files behind; put by the next run"),
    "killed, committed, not announced": ("b", "killed, not announced; announced by the next run"),
    "killed, committed, partial tiles left": ("u", "killed, untidied; tidied by the next run"),
    "killed, committed, whole": ("x", "killed, whole all the same"),
}

DEAD_LETTERS = {
    "0 failed, 2 copied": (UNNOTICED, "both copied"),
    "1 failed, 1 copied": ("e", "one returned failed; copied when redelivered"),
    "1 failed, 2 copied": ("E", "one failed, copied; the same bytes when redelivered"),
    "killed, 0 copied": ("k", "killed, none copied; both when redelivered"),
    "killed, 1 copied": ("q", "killed, one copied; the other when redelivered"),
    "killed, 2 copied": ("K", "killed, both copied; the same bytes when redelivered"),
}
