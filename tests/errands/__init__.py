"""Errands: what a contributor is sent for, as patches, with the number of files that each may touch by hand."""
