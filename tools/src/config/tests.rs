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

/// The commented lines of the example name every setting of a risk group with its default.
#[test]
fn a_risk_group_left_empty_is_the_usual_one() {
    let shown: Vec<&str> = EXAMPLE
        .lines()
        .skip_while(|line| *line != "# [[risk_group]]")
        .take_while(|line| line.starts_with("# "))
        .map(|line| &line[2..])
        .collect();
    let head = EXAMPLE.split("[[instrument]]").next().unwrap();
    let instruments = EXAMPLE.strip_prefix(head).unwrap();
    let checked = parse(&format!("{}\n[[risk_group]]\n{instruments}", shown.join("\n"))).unwrap();
    let [first, second] = checked.risk_groups.as_slice() else { panic!("two groups") };
    assert_eq!(first.instruments, [risk::InstrumentId::new(0)]);
    let backed = RiskGroupTerms { backstop: Some(risk::AccountId::new(20)), ..RiskGroupTerms::DEFAULT };
    assert_eq!(first.terms, backed);
    assert_eq!(second.terms, RiskGroupTerms::DEFAULT);
    assert_eq!(shown.len(), toml::to_string(&checked.config.risk_groups[0]).unwrap().lines().count() + 1);
}

#[test]
fn an_instrument_is_in_one_risk_group_that_makes_sense() {
    let head = EXAMPLE.split("[[instrument]]").next().unwrap();
    let instruments = EXAMPLE.strip_prefix(head).unwrap();
    let with = |group: &str| refused(&format!("[[risk_group]]\n{group}\n{instruments}"));
    assert!(with("instruments = [\"DOGE\"]").contains("there is no instrument DOGE"));
    assert!(with("instruments = [\"BTC-PERP\", \"BTC-PERP\"]").contains("is in two risk groups"));
    assert!(with("target = \"90%\"").contains("line 2: this risk group makes no sense"));
    assert!(with("fund = 3").contains("makes no sense"));
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

/// The block of the readme that shows every group.
fn coins() -> &'static str {
    let text = include_str!("../../../README.md").split_once("<!-- coins:").expect("the block").1;
    text.split_once("```toml\n").and_then(|(_, rest)| rest.split_once("```")).expect("a block").0
}

#[test]
fn the_coins_of_the_readme_are_what_they_say() {
    let checked = parse(coins()).unwrap();
    let [linear, inverse] = checked.instruments.as_slice() else { panic!("two instruments") };
    assert_eq!(linear.contract, risk::ContractTerms::LINEAR_PERPETUAL);
    assert_eq!(linear.funding.interval_ns, 3_600_000_000_000);
    assert_eq!(linear.funding.rate_period_ns, 28_800_000_000_000);
    assert_eq!(linear.adaptive.profit_weight, risk::Rate::new(900_000_000));
    assert_eq!(linear.pricing.stable_step, risk::Rate::new(500_000));
    assert_eq!(inverse.contract.kind, risk::ContractKind::Inverse);
    assert_eq!(inverse.contract.settlement, risk::AssetId::new(1));
    let [coin] = checked.assets.as_slice() else { panic!("one asset") };
    assert_eq!((coin.spec.decimals, coin.spec.priced_by.get()), (8, 0));
    assert_eq!(coin.spec.debt.max, risk::Money::new(50_000_000));
    assert_eq!(coin.index, risk::Price::new(600_000).to_mark());
    let printed = toml::to_string(&checked.config).unwrap();
    assert_eq!(parse(&printed).unwrap().assets, checked.assets);

    // A new venue takes all of it, in this order.
    let mut venue = engine::Venue::new(CapacitySection::default().capacity());
    let mut events = engine::Events::default();
    for (seq, command) in (1..).zip(crate::serve::opening(&checked, Some([1; 32]))) {
        let stamp = engine::Stamp { seq: engine::Seq::new(seq), time: engine::TimeNs::new(seq) };
        events.clear();
        venue.apply(stamp, &command, &mut events);
        let is_refused = matches!(events.as_slice(), [engine::Event::Rejected { .. }]);
        assert!(!is_refused, "{command:?}: {:?}", events.as_slice());
    }
    assert_eq!((venue.ledger().instruments(), venue.ledger().asset_numbers()), (2, 2));
}

#[test]
fn an_asset_that_cannot_be_is_refused_with_its_line() {
    let cases = [
        ("index = \"60000\"\n", "", "has no `index`"),
        ("index = \"60000\"", "index = \"0\"", "above zero"),
        ("priced_by = \"BTC-PERP\"", "priced_by = \"ETH-PERP\"", "no instrument ETH-PERP"),
        ("priced_by = \"BTC-PERP\"", "priced_by = \"BTC-INV\"", "must be linear"),
        ("settlement = \"BTC\"", "settlement = \"ETH\"", "there is no asset ETH; there are BTC"),
        ("liability_weight = \"110%\"", "liability_weight = \"90%\"", "100% to 200%"),
        ("\"5000000\", weight = \"90%\"", "\"5000000\", weight = \"97%\"", "fall from at most 100%"),
        ("kind = \"inverse\"", "kind = \"linear\"", "settles in the unit of account"),
        ("rate_period_s = 28800", "rate_period_s = 60", "no more of them between payments"),
        ("[instrument.pricing]", "[instrument.prices]", "unknown field `prices`"),
        ("stable_step = \"0.05%\"", "sources = 3", "without `sources`"),
    ];
    for (sound, broken, said) in cases {
        let text = coins().replacen(sound, broken, 1);
        assert_ne!(text, coins(), "{sound}");
        let error = refused(&text);
        assert!(error.starts_with("venue.toml, line ") && error.contains(said), "{broken}: {error}");
    }
}

#[test]
fn what_settles_in_an_asset_comes_behind_its_price() {
    let (linear, rest) = coins().split_once("# 0.95").unwrap();
    let (asset, inverse) = rest.split_once("# Contracts").unwrap();
    let turned = format!("# Contracts{inverse}{linear}# 0.95{asset}");
    let error = refused(&turned);
    assert!(error.contains("put BTC-INV behind it"), "{error}");
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
