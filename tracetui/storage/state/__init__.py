"""The state of one run in memory, on top of what an index covers of it: columns, links, postings, figures."""
