"""Deploy the stack without questions, and let a new stack adopt the tables and the key of a deleted one."""
