//! The tests that stand above all crates: checks of the house, stock drivers, real processes.
