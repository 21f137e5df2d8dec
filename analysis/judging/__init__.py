"""The only place that says supported or contradicted: rules, comparisons and the ledger."""
