//! Benchmarks; see README.md.
