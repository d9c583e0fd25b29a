"""Words everyone uses: ids, clock, context, events, errors, digests. Imports nothing of ours."""
