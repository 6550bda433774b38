"""When a batch goes and how it is made: policy, queue, collation, bisection."""
