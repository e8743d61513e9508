//! Scenario tables: one behaviour of the venue per text file in `scenarios/`, played on the venue and on the model.
//!
//! A file is read line by line. `#` begins a comment; the first line says why the scenario exists. A command line is
//! followed by `>` lines with the events it must bring about, all of them and in this order; without any, the command
//! must only not be refused. `?` lines state what must hold then. `scenarios/README.txt` lists the words.

mod model;
mod story;

use std::fs;
use std::path::{Path, PathBuf};

use story::Story;
use story::machine::{Machine, ModelAlone, VenueAlone, VenueBesideModel};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder exists")
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|kind| kind == "txt") && !path.ends_with("README.txt"));
    files.sort();
    assert!(files.len() >= 15, "the scenarios are there");
    files
}

fn play_all(machine: impl Fn(risk::Capacity) -> Box<dyn Machine>) {
    let mut failures = Vec::new();
    for file in files() {
        let name = file.file_name().expect("a file").to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).expect("readable");
        assert!(text.starts_with("# "), "{name}: the first line says why");
        if let Err(failure) = Story::new(&machine).play(&text) {
            failures.push(format!("{name}:{failure}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn the_venue_alone_behaves_as_written() {
    play_all(|capacity| Box::new(VenueAlone::new(capacity)));
}

#[test]
fn the_venue_behaves_as_written() {
    play_all(|capacity| Box::new(VenueBesideModel::new(capacity)));
}

#[test]
fn the_model_behaves_as_written() {
    play_all(|capacity| Box::new(ModelAlone::new(capacity)));
}
