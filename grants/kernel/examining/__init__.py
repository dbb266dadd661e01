"""What reads the files of strangers: run in a process of its own, with limits, by `grants.kernel.bounded`."""
