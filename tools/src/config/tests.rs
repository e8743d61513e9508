//! The default is what it says, and what is wrong is refused with its place.

use gateway::log::Durability;

use super::*;

fn parse(text: &str) -> Result<Checked, ConfigError> {
    Checked::parse(text, Path::new("venue.toml"))
}

fn refused(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

/// The example names every setting with its default; only the instruments are its own.
#[test]
fn the_example_shows_the_defaults() {
    let example = Checked::load(None).unwrap();
    assert_eq!(example.instruments.len(), 2);
    let bare = VenueConfig { instruments: Vec::new(), ..example.config.clone() };
    assert_eq!(bare, VenueConfig::default());
    // Every setting is in it: what the defaults are printed as, and the example without comments, have the same lines.
    let printed = toml::to_string(&VenueConfig::default()).unwrap();
    for line in printed.lines().filter(|line| line.contains('=') && !line.starts_with("instrument")) {
        assert!(EXAMPLE.lines().any(|shown| shown == line), "the example does not show `{line}`");
    }
}

#[test]
fn an_effective_configuration_reads_back() {
    let example = Checked::load(None).unwrap();
    let printed = toml::to_string(&example.config).unwrap();
    assert_eq!(parse(&printed).unwrap().config, example.config);
}

#[test]
fn what_is_left_out_has_its_default() {
    let checked = parse("[log]\ndurability = \"none\"\n").unwrap();
    assert_eq!(checked.config.log.options().durability, Durability::None);
    assert_eq!(checked.config.sessions, SessionSection::default());
    assert!(checked.instruments.is_empty() && checked.admin_key.is_none());
}

#[test]
fn what_is_wrong_is_refused_with_its_line() {
    let cases = [
        ("\nlisten = \"nowhere\"", 2, "no address"),
        ("\n\nlitsen = \"127.0.0.1:1\"", 3, "unknown field `litsen`"),
        ("[log]\nsegment_mib = 0", 2, "log.segment_mib is 0; take 1 to"),
        ("[log]\ndurability = \"maybe\"", 2, "unknown variant `maybe`"),
        ("[queues]\ncommands = 8\nreserved_for_cancels = 8", 3, "must be below queues.commands"),
        ("[capacity]\naccounts = 3", 2, "take 17 to"),
        ("[sessions]\nrequests_rate = 0", 2, "take 1 to"),
        ("[operator]\nadmin_key = \"12\"", 2, "64 hexadecimal digits"),
        ("listen = 7", 1, "string"),
        ("x", 1, "venue.toml"),
    ];
    for (text, line, said) in cases {
        let error = refused(text);
        assert!(
            error.starts_with(&format!("venue.toml, line {line}: ")) && error.contains(said),
            "{text:?}: {error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn an_instrument_that_cannot_be_is_refused_with_its_line() {
    let start = EXAMPLE.find("[[instrument]]").unwrap();
    let bitcoin = &EXAMPLE[start..];
    let cases = [
        ("tick = \"0.5\"", "tick = \"0.05\"", "more than 1 decimals"),
        ("tick = \"0.5\"", "tick = \"half\"", "no decimal number"),
        ("tick = \"0.5\"", "tick = 0.5", "string"),
        ("lot = \"0.0001\"", "lot = \"0\"", "must be above zero"),
        ("taker_fee = \"0.045%\"", "taker_fee = \"45%\"", "at most 10%"),
        ("taker_fee = \"0.045%\"", "taker_fee = \"-1%\"", "no rate"),
        ("symbol = \"BTC-PERP\"", "symbol = \"A NAME THAT IS TOO LONG\"", "16 printable"),
        ("rate = \"2%\"", "rate = \"1.1%\"", "5/4 of maintenance"),
        ("from = \"1000000\"", "from = \"0\"", "every other above the one before"),
        ("open_interest_max = \"20000\"", "open_interest_max = \"2000000\"", "lower one of them"),
    ];
    for (sound, broken, said) in cases {
        let text = bitcoin.replacen(sound, broken, 1);
        assert_ne!(text, bitcoin, "{sound}");
        let error = refused(&text);
        assert!(error.contains(said), "{broken}: {error}");
        // A rule over several settings is reported at the symbol.
        let place = text.lines().position(|line| line == broken).map_or(2, |place| place + 1);
        let at_symbol = error.starts_with("venue.toml, line 2: ");
        assert!(at_symbol || error.starts_with(&format!("venue.toml, line {place}: ")), "{broken}: {error}");
    }
}

#[test]
fn one_instrument_has_a_file_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sol.toml");
    let lines: Vec<_> = EXAMPLE.lines().skip_while(|line| *line != "[[instrument]]").skip(1).collect();
    let end = lines.iter().position(|line| *line == "[[instrument]]").unwrap();
    std::fs::write(&path, lines[..end].join("\n")).unwrap();
    assert_eq!(read_instrument(&path, &[]).unwrap(), Checked::load(None).unwrap().instruments[0]);
    assert!(read_instrument(directory.path(), &[]).unwrap_err().to_string().contains("cannot read"));
}
