"""The few things that may become of a run that a fault hit: what a trial says → sign and name.

Whatever a run came to, its trial went on until the platform had nothing left to do and recounted
all of the ledger. What stands here is only what was there in between.
"""

UNNOTICED = "="

INGEST = {
    "accepted, queued 1; in the ledger once": (UNNOTICED, "accepted, kept once"),
    "accepted, queued 2; in the ledger once": ("2", "accepted, queued twice, kept once"),
    "503, queued 0; in the ledger once": ("e", "answered error, nothing kept; once after retry"),
    "503, queued 3; in the ledger once": ("E", "answered error, kept; still once after retry"),
    "503, queued 3; in the ledger twice": ("D", "answered error, kept, no key; twice after retry"),
    "503, queued 0; in the ledger twice": (
        "L",
        "answered error, kept late, no key; twice by retry",
    ),
    "killed, queued 0; in the ledger once": ("k", "no answer, nothing kept; once after retry"),
    "killed, queued 1; in the ledger once": ("K", "no answer, kept; still once after retry"),
    "killed, queued 1; in the ledger twice": ("G", "no answer, kept, no key; twice after retry"),
}

SEQUENCER = {
    "done, 1 block": (UNNOTICED, "all appended"),
    "done, 2 blocks": (UNNOTICED, "all appended"),
    "failed, 0 blocks": ("e", "answered failed, nothing kept; appended when redelivered"),
    "failed, 0 blocks, newest not indexed": (
        "d",
        "answered failed, nothing kept, a dead one's block still unindexed; all when redelivered",
    ),
    "failed, 1 block": ("p", "answered failed, one block kept; left out when redelivered"),
    "failed, 1 block, newest not indexed": (
        "i",
        "answered failed, one block kept, unindexed; indexed and left out when redelivered",
    ),
    "failed, 2 blocks": ("P", "answered failed, both blocks kept; left out when redelivered"),
    "failed, 2 blocks, newest not indexed": (
        "I",
        "answered failed, both kept, one unindexed; indexed and left out when redelivered",
    ),
    "killed, 0 blocks": ("k", "killed, nothing kept; appended when redelivered"),
    "killed, 0 blocks, newest not indexed": (
        "c",
        "killed, nothing kept, a dead one's block still unindexed; all when redelivered",
    ),
    "killed, 1 block": ("q", "killed, one block kept; left out when redelivered"),
    "killed, 1 block, newest not indexed": (
        "j",
        "killed, one block kept, unindexed; indexed and left out when redelivered",
    ),
    "killed, 2 blocks": ("Q", "killed, both blocks kept; left out when redelivered"),
    "killed, 2 blocks, newest not indexed": (
        "J",
        "killed, both kept, one unindexed; indexed and left out when redelivered",
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
    "1 failed, 1 copied": ("e", "one answered failed; copied when redelivered"),
    "1 failed, 2 copied": ("E", "one answered failed, copied; the same bytes when redelivered"),
    "killed, 0 copied": ("k", "killed, none copied; both when redelivered"),
    "killed, 1 copied": ("q", "killed, one copied; the other when redelivered"),
    "killed, 2 copied": ("K", "killed, both copied; the same bytes when redelivered"),
}
