"""What the three training stages share: the run, its arguments, ranks, checkpoints, signals, Muon."""
