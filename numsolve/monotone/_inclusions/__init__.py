"""Methods for variational inequalities of a monotone operator, and for saddle points."""
