"""The experiments: each module says what it compares and what has to come out."""
