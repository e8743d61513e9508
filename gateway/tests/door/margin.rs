//! Money between accounts, assets, isolated positions and margin over the wire: what is asked and what is told.

use engine::{Action, ClientOrderId, Command, MoveMargin as Move, TransferBetween as Between};
use gateway::wire::Group;
use gateway::wire::message::Message;
use gateway::wire::private::{
    AccountState, AssetBalance, AssetDef, AssetDefine, AssetQuery, FromVenue, InstrumentTerms, MoveMargin,
    Movement, NewOrder, PositionState, RiskQuery, SetDebtTerms, SetIndexSource, SetMarginMode, TermsQuery,
    Transfer, TransferBetween, WeightRow,
};
use gateway::wire::types::{
    AccountStatus, Chars16, Code, ContractKind, IdN, MarginMode, MarginState, MovementReason, OracleState,
    Side, TimeNsN,
};
use risk::{AccountId, AssetId, InstrumentId, Mark, Money, OwnerGroupId, Qty};

use crate::harness::{ALICE, BOB, Client, MARK, MS, OPERATOR, READER, World, account, order};

const TEST: InstrumentId = InstrumentId::new(0);
const COIN: AssetId = AssetId::new(1);

const fn name(number: u64) -> ClientOrderId {
    ClientOrderId::new(number)
}

fn give(number: u64, amount: i64, external: Option<u64>) -> TransferBetween {
    TransferBetween {
        cl_ord_id: name(number),
        account_id: AccountId::new(0),
        to_account_id: account(BOB),
        asset_id: AssetId::BASE,
        amount: Money::new(amount),
        external_id: IdN::from(external),
        valid_until: TimeNsN::NONE,
    }
}

fn mode(number: u64, mode: MarginMode) -> SetMarginMode {
    SetMarginMode {
        cl_ord_id: name(number),
        account_id: AccountId::new(0),
        instrument_id: TEST,
        mode: mode.into(),
        valid_until: TimeNsN::NONE,
    }
}

fn feed(number: u64, amount: i64) -> MoveMargin {
    MoveMargin {
        cl_ord_id: name(number),
        account_id: AccountId::new(0),
        instrument_id: TEST,
        amount: Money::new(amount),
        valid_until: TimeNsN::NONE,
    }
}

fn coin(number: u64) -> AssetDefine {
    AssetDefine {
        request_id: name(number),
        asset_id: COIN,
        priced_by: TEST,
        liability_weight: 1_100_000_000,
        wrong_way: 0,
        full_weight_total: Money::ZERO,
        deposit_max: Money::new(1 << 50),
        conversion_haircut: 10_000_000,
        debt_max: Money::new(500),
        debt_interest: 100_000_000,
        decimals: 8,
        spend_rank: 1,
        symbol: Chars16(*b"COIN\0\0\0\0\0\0\0\0\0\0\0\0"),
        weights: Group(vec![WeightRow { cap: Money::new(1 << 50), weight: 900_000_000 }]),
    }
}

fn sized(number: u64, side: Side, qty: i64) -> NewOrder {
    NewOrder { qty: Qty::new(qty), ..order(number, side, MARK, 0) }
}

fn newest(world: &World) -> Action {
    world.actions().pop().expect("something was asked")
}

fn own_group(world: &mut World) {
    for key in [ALICE, BOB] {
        let group = OwnerGroupId::new(3);
        world.operator(Command::venue(Action::SetOwnerGroup { account: account(key), group }));
    }
    world.settle();
}

fn movements(client: &Client, world: &mut World) -> Vec<Movement> {
    let heard = client.messages(world);
    heard
        .into_iter()
        .filter_map(|told| if let FromVenue::Movement(told) = told { Some(told) } else { None })
        .collect()
}

#[test]
fn each_side_of_a_transfer_hears_its_own_balance_and_a_repeated_one_moves_nothing() {
    let mut world = World::new();
    own_group(&mut world);
    let (mut alice, bob, reader) = (world.client(ALICE), world.client(BOB), world.client(READER));
    alice.ask(&mut world, &give(1, 500, Some(9)));
    world.settle();
    let asked = Between {
        from: account(ALICE),
        to: account(BOB),
        asset: AssetId::BASE,
        amount: Money::new(500),
        external_id: 9,
    };
    assert_eq!(newest(&world), Action::TransferBetween(asked));
    let told = |client: &Client, world: &mut World| -> Vec<_> {
        let told = movements(client, world);
        told.iter()
            .map(|one| (one.request_id.get(), one.account_id, one.balance.get(), one.external_id.get()))
            .collect()
    };
    assert_eq!(told(&alice, &mut world), [(Some(1), account(ALICE), 999_999_999_500, Some(9))]);
    assert_eq!(told(&reader, &mut world), [(None, account(ALICE), 999_999_999_500, Some(9))]);
    assert_eq!(told(&bob, &mut world), [(None, account(BOB), 1_000_000_000_500, Some(9))]);

    alice.ask(&mut world, &give(2, 500, Some(9)));
    world.settle();
    let heard = alice.messages(&mut world);
    let [FromVenue::TransferRepeated(again)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((again.request_id.get(), again.external_id), (Some(2), 9));
    assert_eq!(again.balance, Money::new(999_999_999_500));
    assert!(bob.messages(&mut world).is_empty() && reader.messages(&mut world).is_empty());
    // Under the same number, but not the same.
    alice.ask(&mut world, &give(3, 501, Some(9)));
    world.settle();
    let heard = alice.messages(&mut world);
    let [FromVenue::RequestRejected(no)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((no.code, no.ref_template_id), (engine::Reject::TransferMismatch.code(), 350));
}

#[test]
fn an_operator_moves_money_and_is_answered() {
    let mut world = World::new();
    own_group(&mut world);
    let (mut operator, alice) = (world.client(OPERATOR), world.client(ALICE));
    let transfer = TransferBetween { account_id: account(ALICE), ..give(1, 70, None) };
    operator.ask(&mut world, &transfer);
    world.settle();
    let heard = operator.messages(&mut world);
    let [FromVenue::AdminAck(ack)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((ack.request_id, ack.ref_template_id, ack.code), (name(1), 350, 0));
    assert_eq!(movements(&alice, &mut world).len(), 1);
    // Twice with a number: the second is acknowledged and does nothing.
    for number in [2, 3] {
        operator.ask(
            &mut world,
            &Transfer {
                request_id: name(number),
                account_id: account(ALICE),
                amount: Money::new(5),
                asset_id: AssetId::BASE,
                external_id: IdN::from(4),
            },
        );
        world.settle();
        let heard = operator.messages(&mut world);
        assert!(matches!(&heard[..], [FromVenue::AdminAck(ack)] if ack.code == 0), "{heard:?}");
    }
    let heard = alice.messages(&mut world);
    let [FromVenue::BalanceChange(change)] = &heard[..] else { panic!("once, not {heard:?}") };
    assert_eq!((change.amount, change.asset_id), (Money::new(5), AssetId::BASE));
}

/// What is told of the coin once two are held.
fn told_coin() -> AssetDef {
    AssetDef {
        query_id: 5,
        asset_id: COIN,
        priced_by: TEST.get().into(),
        index: Mark::new(MARK * 1024).into(),
        liability_weight: 1_100_000_000,
        wrong_way: 0,
        full_weight_total: Money::ZERO,
        deposit_max: Money::new(1 << 50),
        deposits: Money::new(200_000_000),
        conversion_haircut: 10_000_000,
        debt_max: Money::new(600),
        debt_interest: 7,
        decimals: 8,
        spend_rank: 1,
        symbol: coin(1).symbol,
        weights: coin(1).weights,
    }
}

#[test]
fn an_asset_is_defined_told_and_held() {
    let mut world = World::new();
    let (mut operator, mut alice) = (world.client(OPERATOR), world.client(ALICE));
    operator.ask(&mut world, &coin(1));
    operator.ask(
        &mut world,
        &SetDebtTerms { request_id: name(2), asset_id: COIN, debt_max: Money::new(600), debt_interest: 7 },
    );
    let deposit = Transfer {
        request_id: name(3),
        account_id: account(ALICE),
        amount: Money::new(200_000_000),
        asset_id: COIN,
        external_id: IdN::NONE,
    };
    operator.ask(&mut world, &deposit);
    // Not an index of several sources.
    operator.ask(
        &mut world,
        &SetIndexSource { request_id: name(4), instrument_id: TEST, source_id: 1, weight: 2 },
    );
    world.settle();
    let heard = operator.messages(&mut world);
    let codes: Vec<_> = heard
        .iter()
        .map(
            |told| if let FromVenue::AdminAck(ack) = told { (ack.ref_template_id, ack.code) } else { (0, 0) },
        )
        .collect();
    assert_eq!(codes, [(416, 0), (417, 0), (403, 0), (418, engine::Reject::BadParameter.code())]);
    let heard = alice.messages(&mut world);
    let [FromVenue::BalanceChange(change)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((change.asset_id, change.balance), (COIN, Money::new(200_000_000)));

    let assets = rows(&mut alice, &mut world, &AssetQuery { query_id: 5 });
    let [FromVenue::AssetDef(money), FromVenue::AssetDef(held)] = &assets[..] else { panic!("{assets:?}") };
    assert_eq!((money.asset_id, money.decimals, money.priced_by.get()), (AssetId::BASE, 6, None));
    assert_eq!(*held, told_coin());

    // Two coins at 50,000 count for nine tenths of 100,000.
    let answer = rows(&mut alice, &mut world, &RiskQuery { query_id: 6, account_id: account(ALICE) });
    let balance = |asset: AssetId| -> AssetBalance {
        let found = answer.iter().find_map(|row| {
            if let FromVenue::AssetBalance(row) = row { Some(row.clone()) } else { None }
                .filter(|row| row.asset_id == asset)
        });
        found.expect("a balance")
    };
    assert_eq!(balance(AssetId::BASE).balance, Money::new(1_000_000_000_000));
    assert_eq!(
        balance(COIN),
        AssetBalance {
            query_id: 6,
            account_id: account(ALICE),
            asset_id: COIN,
            balance: Money::new(200_000_000),
            collateral: Money::new(90_000_000_000),
            withdrawable: Money::new(200_000_000),
            decimals: 8,
        }
    );
    let state = state_of(&answer);
    assert_eq!(state.equity, Money::new(1_090_000_000_000));
    assert_eq!(
        (state.status, state.margin_state),
        (AccountStatus::Active.into(), MarginState::Healthy.into())
    );
}

#[test]
fn an_isolated_position_is_told_to_whom_it_belongs() {
    let mut world = World::new();
    let (mut alice, mut bob, reader) = (world.client(ALICE), world.client(BOB), world.client(READER));
    alice.ask(&mut world, &mode(1, MarginMode::Isolated));
    world.settle();
    let isolated = Action::SetMarginMode { account: account(ALICE), instrument: TEST, isolated: true };
    assert_eq!(newest(&world), isolated);
    let heard = alice.messages(&mut world);
    let [FromVenue::MarginModeChanged(changed)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((changed.request_id.get(), changed.mode), (Some(1), Code::of(MarginMode::Isolated)));
    let acting = changed.acting_account_id;
    assert_ne!(acting, account(ALICE));
    assert!(matches!(&reader.messages(&mut world)[..], [FromVenue::MarginModeChanged(_)]));

    // 0.1 at 50,000.0: what the position needs comes from the account, and is told with the order that asked for it.
    bob.ask(&mut world, &sized(1, Side::Sell, 100));
    alice.ask(&mut world, &sized(2, Side::Buy, 100));
    world.settle();
    let heard = alice.messages(&mut world);
    let copied = reader.messages(&mut world);
    let short = Code::of(MovementReason::MarginShort);
    let fed = |told: &[FromVenue], request: Option<u64>| {
        let told =
            told.iter().filter_map(|one| if let FromVenue::Movement(one) = one { Some(one) } else { None });
        let told: Vec<_> =
            told.map(|one| (one.request_id.get(), one.account_id, one.to_account_id, one.reason)).collect();
        assert_eq!(told, [(request, account(ALICE), acting, short), (request, acting, acting, short)]);
    };
    fed(&heard, Some(2));
    fed(&copied, None);
    let filled = |told: &[FromVenue]| {
        told.iter().any(|one| matches!(one, FromVenue::OrderFilled(fill) if fill.account_id == acting))
    };
    assert!(
        filled(&heard) && filled(&copied),
        "told with the account that acts, to those of the account named"
    );

    alice.ask(&mut world, &feed(3, 400_000_000));
    world.settle();
    let moved = Move { account: account(ALICE), instrument: TEST, amount: Money::new(400_000_000) };
    assert_eq!(newest(&world), Action::MoveMargin(moved));
    let told = movements(&alice, &mut world);
    let told: Vec<_> = told.iter().map(|one| (one.request_id.get(), one.account_id, one.reason)).collect();
    let reason = Code::of(MovementReason::MarginMoved);
    assert_eq!(told, [(Some(3), account(ALICE), reason), (Some(3), acting, reason)]);

    let answer = rows(&mut alice, &mut world, &RiskQuery { query_id: 6, account_id: AccountId::new(0) });
    let positions: Vec<PositionState> = answer
        .iter()
        .filter_map(|row| if let FromVenue::PositionState(row) = row { Some(row.clone()) } else { None })
        .collect();
    let [position] = positions.as_slice() else { panic!("{positions:?}") };
    assert_eq!((position.account_id, position.qty, position.funding_owed), (acting, 100, Money::ZERO));
    assert_eq!(state_of(&answer).exposure, Money::ZERO, "it counts on its own margin alone");
}

#[test]
fn terms_are_told_whole() {
    let mut world = World::new();
    let mut alice = world.client(ALICE);
    let answer = rows(&mut alice, &mut world, &TermsQuery { query_id: 3, instrument_id: TEST });
    let [FromVenue::InstrumentTerms(terms)] = &answer[..] else { panic!("{answer:?}") };
    let InstrumentTerms { contract_kind, settlement_asset, oracle_state, funding_rate, ref tiers, .. } =
        *terms;
    assert_eq!((contract_kind, settlement_asset), (ContractKind::Linear.into(), AssetId::BASE));
    assert_eq!((oracle_state, funding_rate.get()), (OracleState::Valid.into(), None));
    assert_eq!(
        tiers.0.iter().map(|row| (row.rate, row.table)).collect::<Vec<_>>(),
        [(20_000_000, 1), (10_000_000, 2)]
    );
}

#[test]
fn an_account_near_its_maintenance_margin_is_warned_with_both_ratios() {
    let mut world = World::new();
    let (mut alice, mut bob) = (world.client(ALICE), world.client(BOB));
    world.operator(Command::venue(Action::Withdraw(engine::Transfer::new(
        account(ALICE),
        Money::new(998_900_000_000),
    ))));
    bob.ask(&mut world, &sized(1, Side::Sell, 1_000));
    alice.ask(&mut world, &sized(1, Side::Buy, 1_000));
    world.settle();
    let _filled = alice.messages(&mut world);
    // A whole contract at 50,000 with 1,075 of equity; at 49,500 it is 575, and maintenance is 495.
    world.now += MS;
    world.operator(Command::venue(Action::index_price(TEST, Mark::new(495_000 * 1024))));
    world.settle();
    let heard = alice.messages(&mut world);
    let [FromVenue::MarginStateChanged(told)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((told.state, told.account_id), (MarginState::Warned.into(), account(ALICE)));
    assert_eq!((told.equity, told.exposure), (Money::new(575_000_000), Money::new(49_500_000_000)));
    assert_eq!(
        (told.initial_margin, told.maintenance_margin),
        (Money::new(990_000_000), Money::new(495_000_000))
    );
    // 49,500 / 575 and 495 / 575, rounded up.
    assert_eq!(
        (told.leverage_e9.get(), told.margin_ratio_e9.get()),
        (Some(86_086_956_522), Some(860_869_566))
    );
}

/// The rows of an answer, without its end.
fn rows<M: Message>(client: &mut Client, world: &mut World, query: &M) -> Vec<FromVenue> {
    client.say(world, query);
    world.settle();
    let mut heard = client.messages(world);
    assert!(matches!(heard.pop(), Some(FromVenue::QueryEnd(end)) if end.code == 0));
    heard
}

fn state_of(answer: &[FromVenue]) -> AccountState {
    let mut states =
        answer.iter().filter_map(|row| if let FromVenue::AccountState(row) = row { Some(row) } else { None });
    states.next().expect("an account").clone()
}
