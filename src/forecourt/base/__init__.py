"""Words everyone uses: ids, units, money, clock, context, events, errors. Imports nothing of ours."""
