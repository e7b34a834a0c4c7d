"""Comparisons: several optimizers on several problems, from the same starts, with the same budget of evaluations.

A comparison is a table of trials, one for each problem, optimizer and seed (`trial`).  What is compared is read in
`cases` and `contestants`, how in `terms`; `compare` makes the trials, `archive` keeps them in a file, and `outcome` is
what comes back.  The statistics are pure functions on arrays, each in a file with its paper: when a target was first
reached is all that they know (`hits`).
"""
