"""Which labels are likely wrong, by the held-out predictions of one run or several. Numpy only, no torch."""
