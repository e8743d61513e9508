//! `fulcrum keygen`: a key that proves to a venue who comes.
//!
//! Invariant: the secret is in the file, which its owner alone may read, and nowhere else.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use gateway::client::Key;

use crate::admin::key_name;
use crate::format::hex;

/// Arguments of `fulcrum keygen`.
#[derive(Clone, Debug, Args)]
pub struct KeygenArgs {
    /// File to write; one that exists is left as it is and refused
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Writes a key, prints what others may know of it.
///
/// # Errors
/// What went wrong, and what to do next.
pub fn run(args: &KeygenArgs, output: &mut dyn Write) -> anyhow::Result<u8> {
    let key = Key::generate()?;
    key.write(&args.file)?;
    let (id, public) = (key_name(key.id()), hex(&key.public()));
    if args.json {
        let object =
            serde_json::json!({ "file": args.file.display().to_string(), "key": id, "public": public });
        writeln!(output, "{object}")?;
    } else {
        writeln!(output, "key     {id}\npublic  {public}")?;
        writeln!(
            output,
            "the operator registers it: fulcrum admin --key ADMIN key add {public} --account N"
        )?;
    }
    Ok(0)
}
