//! What does the core cost, measured so that another person gets the same figures?
//!
//! The binaries of this crate are thin: each parses its options and prints the report of one module here, so that
//! `cargo test` runs every measurement with tiny parameters and none of them rots. Nothing depends on this crate.

pub mod apply;
pub mod book;
pub mod crowd;
pub mod deleveraging;
pub mod drivers;
pub mod flow;
pub mod funding;
pub mod log;
pub mod margin;
pub mod mark;
pub mod measure;
pub mod memory;
pub mod near;
pub mod population;
pub mod random;
pub mod recorded;
pub mod reference;
pub mod replay;
pub mod report;
pub mod wire;
pub mod workload;
