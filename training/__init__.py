"""Labels, splits forward in time, learners, metrics, tracking, the simulator and the root of the command line."""
