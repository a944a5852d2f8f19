//! What Maloca's devices and hubs say to each other, and what it means.
