"""What was measured, on which rows, how surely: typed records, and views of them that compute nothing."""
