"""Tables of a journal, and the steps that lead from one schema version to the next."""

from __future__ import annotations

TRIALS = """
CREATE TABLE trials (
    trial INTEGER PRIMARY KEY,  -- its number
    hash TEXT NOT NULL,         -- of the canonical form; distinct
    source TEXT NOT NULL,       -- on one line
    nodes INTEGER NOT NULL,
    proposer TEXT NOT NULL,
    parents TEXT NOT NULL,      -- hashes, separated by spaces
    island INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    scores TEXT NOT NULL,       -- JSON: one number per objective
    folds TEXT NOT NULL,        -- JSON: the first objective by fold
    trades INTEGER NOT NULL,
    infeasible_reason TEXT NOT NULL  -- empty if it is feasible
);
"""
# An index of the hashes would double the time of a commit: it has random pages of the whole file.
# The search counts each program once, and the digests of checkpoints show a row that was changed.
EVENTS = """
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL        -- JSON
);
"""
CALLS = """
CREATE TABLE calls (
    number INTEGER PRIMARY KEY,  -- from 1; below 1 if the run left the course of the call
    kind TEXT NOT NULL,         -- propose, repair, summarize or audit
    model TEXT NOT NULL,
    task TEXT NOT NULL,
    digest TEXT NOT NULL,       -- of the request
    asked_epoch INTEGER NOT NULL,
    collected_epoch INTEGER     -- NULL if its response was not collected
);
CREATE TABLE exchanges (
    id INTEGER PRIMARY KEY,
    call INTEGER NOT NULL,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,         -- of the call, or probe
    request_format TEXT NOT NULL,  -- the constraint on the answer
    text TEXT NOT NULL,
    error TEXT NOT NULL,        -- empty if the model answered
    tokens_in INTEGER NOT NULL,
    tokens_out INTEGER NOT NULL,
    usd REAL NOT NULL,
    seconds REAL NOT NULL,
    record TEXT NOT NULL        -- JSON: the exchange with its messages
);
CREATE TABLE proposals (
    id INTEGER PRIMARY KEY,
    call INTEGER NOT NULL,
    source TEXT NOT NULL,
    hash TEXT NOT NULL,         -- of the program; empty if it was rejected
    status TEXT NOT NULL,       -- evaluated, duplicate, rejected or no budget
    reason TEXT NOT NULL        -- errors of the parser, or why it is infeasible
);
"""
CHECKPOINTS = """
CREATE TABLE checkpoints (
    epoch INTEGER PRIMARY KEY,  -- -1 before the first epoch
    trials INTEGER NOT NULL,    -- number of trials so far
    last_event INTEGER NOT NULL,     -- id; 0 for none
    last_proposal INTEGER NOT NULL,  -- id; 0 for none
    seconds REAL NOT NULL,      -- of the search so far
    state TEXT NOT NULL,        -- JSON
    digest TEXT NOT NULL,       -- of the trials so far; empty for none
    row_digest TEXT NOT NULL    -- of the other columns
);
"""
RESUMES = """
CREATE TABLE resumes (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    command TEXT NOT NULL,
    versions TEXT NOT NULL,     -- JSON
    changes TEXT NOT NULL       -- JSON
);
"""
JOBS = """
CREATE TABLE jobs (
    problem TEXT NOT NULL,      -- hash of what all jobs of a kind share
    number INTEGER NOT NULL,
    result TEXT NOT NULL,       -- JSON
    PRIMARY KEY (problem, number)
) WITHOUT ROWID;
"""
SCHEMA = TRIALS + EVENTS + CALLS + CHECKPOINTS + RESUMES + JOBS

VERSION = 3  # raise it whenever a table or the meaning of a column changes
STEPS = {2: CHECKPOINTS + RESUMES + JOBS}
"""SQL that leads from each earlier version that is still readable to the next one."""
