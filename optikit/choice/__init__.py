"""Choice: which optimizer to take for a problem: what is seen of it (`traits`), one table (`rules`), and the advice."""
