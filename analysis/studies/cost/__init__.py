"""What a study costs before it runs: passes of the network counted, their rates measured, a budget of time divided."""
